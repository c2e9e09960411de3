// Publish a send and what became of it, with kafkajs and avsc.
//
// node publish.mjs verify                      bytes and partitions against golden.json; needs no broker
// node publish.mjs publish BROKERS [PREFIX]    one Send and one Feedback; PREFIX is of the topics, ses. by default

import { readFileSync } from 'node:fs'
import avro from 'avsc'
import kafkajs from 'kafkajs'

const { Kafka, Partitioners, logLevel } = kafkajs
const read = (path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'))
const ids = Object.fromEntries(read('schemas/lock.json').schemas.map((row) => [row.schema, row.id]))
const names = ['mail.SendRequest', 'mail.Send', 'mail.Feedback']
const types = Object.fromEntries(names.map((name) => [name, avro.Type.forSchema(read(`schemas/${name}.avsc`))]))

// quick start: how a value is made
const MESSAGE_ID = '0100019a1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000' // as SES returned it

const SEND = {
  message_id: MESSAGE_ID,
  sent_at: 1767323045678, // milliseconds, UTC
  stream: 'receipts',
  recipients: ['alice@example.com'],
  from_address: 'shop@example.org',
}
const FEEDBACK = {
  kind: 'DELIVERY',
  occurred_at: 1767323046901,
  message_id: MESSAGE_ID,
  recipients: [{ address: 'alice@example.com' }],
}
const SEND_REQUEST = {
  request_id: 'order-4711',
  stream: 'receipts',
  requested_at: 1767323045000,
  from_address: 'Shop <shop@example.org>',
  to: ['Alice@Example.com'],
  content: { 'mail.Simple': { subject: 'Your order 4711', text: 'Thank you for your order.\n' } },
}

// A record as it lies on the topic: a zero byte, four bytes of schema id, the Avro body.
function valueOf(name, record) {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(ids[name], 1)
  return Buffer.concat([head, types[name].toBuffer(record)])
}

// kafkajs's DefaultPartitioner is Java's; its LegacyPartitioner is another one.
function connected(brokers) {
  const kafka = new Kafka({ clientId: 'ses-streams-kit', brokers: brokers.split(','), logLevel: logLevel.ERROR })
  return kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false })
}
// quick start ends

async function publish(brokers, prefix) {
  const producer = connected(brokers)
  await producer.connect()
  const acks = -1 // all
  const send = { key: MESSAGE_ID, value: valueOf('mail.Send', SEND) }
  const feedback = { key: MESSAGE_ID, value: valueOf('mail.Feedback', FEEDBACK) }
  await producer.send({ topic: `${prefix}sends`, acks, messages: [send] })
  await producer.send({ topic: `${prefix}feedback`, acks, messages: [feedback] })
  await producer.disconnect()
  console.log('published 2 records')
  return 0
}

function verify() {
  const golden = read('golden.json')
  const made = { 'mail.SendRequest': SEND_REQUEST, 'mail.Send': SEND, 'mail.Feedback': FEEDBACK }
  const wrong = []
  for (const { schema, example, avro_json, hex } of golden.values) {
    const record = types[schema].fromString(JSON.stringify(avro_json))
    for (const each of example === 'least' ? [record, made[schema]] : [record]) {
      if (valueOf(schema, each).toString('hex') !== hex) wrong.push(`${schema} ${example}: other bytes`)
    }
  }
  const keys = [...golden.values, ...golden.partitioner]
  const partitioner = Partitioners.DefaultPartitioner()
  for (const { key, partitions } of keys) {
    for (const [count, partition] of Object.entries(partitions)) {
      const partitionMetadata = Array.from({ length: count }, (_, id) => ({ partitionId: id, leader: 0 }))
      const found = partitioner({ topic: 'keys', partitionMetadata, message: { key: Buffer.from(key) } })
      if (found !== partition) wrong.push(`key ${key.slice(0, 40)}: other partition of ${count}`)
    }
  }
  wrong.forEach((words) => console.error(words))
  console.log(`node: ${golden.values.length} values, ${keys.length} keys, ${wrong.length} wrong`)
  return wrong.length ? 1 : 0
}

const [what, brokers, prefix = 'ses.'] = process.argv.slice(2)
if (what === 'verify') process.exitCode = verify()
else if (what === 'publish' && brokers) process.exitCode = await publish(brokers, prefix)
else {
  console.error('node publish.mjs verify | node publish.mjs publish BROKERS [PREFIX]')
  process.exitCode = 1
}
