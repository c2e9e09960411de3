import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Publishes a send and what became of it, with kafka-clients and Avro.
 *
 * <pre>
 * mvn -q dependency:copy-dependencies
 * java -cp 'target/dependency/*' Publish.java verify                      bytes and partitions against golden.json
 * java -cp 'target/dependency/*' Publish.java publish BROKERS [PREFIX]    one Send and one Feedback
 * </pre>
 *
 * PREFIX is of the topics, ses. by default. The current directory is that of this file.
 */
public final class Publish {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path KIT = Path.of("..");
  private static final Map<String, Schema> SCHEMAS = new HashMap<>();
  private static final Map<String, Integer> IDS = new HashMap<>();

  // quick start: how a value is made
  static final String MESSAGE_ID =
      "0100019a1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"; // as SES returned it

  static GenericRecord send() {
    return new GenericRecordBuilder(SCHEMAS.get("mail.Send"))
        .set("message_id", MESSAGE_ID)
        .set("sent_at", 1767323045678L) // milliseconds, UTC
        .set("stream", "receipts")
        .set("recipients", List.of("alice@example.com"))
        .set("from_address", "shop@example.org")
        .build();
  }

  static GenericRecord feedback() {
    Schema schema = SCHEMAS.get("mail.Feedback");
    Schema recipient = schema.getField("recipients").schema().getElementType();
    return new GenericRecordBuilder(schema)
        .set("kind", new GenericData.EnumSymbol(schema.getField("kind").schema(), "DELIVERY"))
        .set("occurred_at", 1767323046901L)
        .set("message_id", MESSAGE_ID)
        .set("recipients", List.of(new GenericRecordBuilder(recipient).set("address", "alice@example.com").build()))
        .build();
  }

  static GenericRecord sendRequest() {
    Schema schema = SCHEMAS.get("mail.SendRequest");
    Schema simple = schema.getField("content").schema().getTypes().get(0);
    return new GenericRecordBuilder(schema)
        .set("request_id", "order-4711")
        .set("stream", "receipts")
        .set("requested_at", 1767323045000L)
        .set("from_address", "Shop <shop@example.org>")
        .set("to", List.of("Alice@Example.com"))
        .set("content", new GenericRecordBuilder(simple)
            .set("subject", "Your order 4711")
            .set("text", "Thank you for your order.\n")
            .build())
        .build();
  }

  /** Returns a record as it lies on the topic: a zero byte, four bytes of schema id, the Avro body. */
  static byte[] valueOf(GenericRecord record) throws IOException {
    var out = new ByteArrayOutputStream();
    out.write(0);
    out.write(ByteBuffer.allocate(4).putInt(IDS.get(record.getSchema().getFullName())).array());
    var encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  /** Returns a producer; murmur2, acks=all and idempotence are Java's own defaults. */
  static KafkaProducer<String, byte[]> connected(String brokers) {
    var words = new Properties();
    words.put("bootstrap.servers", brokers);
    return new KafkaProducer<>(words, new StringSerializer(), new ByteArraySerializer());
  }

  // quick start ends

  private static int publish(String brokers, String prefix) throws Exception {
    try (var producer = connected(brokers)) {
      var sent = producer.send(new ProducerRecord<>(prefix + "sends", MESSAGE_ID, valueOf(send())));
      var became = producer.send(new ProducerRecord<>(prefix + "feedback", MESSAGE_ID, valueOf(feedback())));
      sent.get();
      became.get();
    }
    System.out.println("published 2 records");
    return 0;
  }

  private static int verify() throws IOException {
    JsonNode golden = JSON.readTree(KIT.resolve("golden.json").toFile());
    var made = Map.of("mail.SendRequest", sendRequest(), "mail.Send", send(), "mail.Feedback", feedback());
    int wrong = 0;
    int keys = 0;
    for (JsonNode one : golden.get("values")) {
      String name = one.get("schema").asText();
      String example = one.get("example").asText();
      GenericRecord read = read(SCHEMAS.get(name), one.get("avro_json").toString());
      var records = example.equals("least") ? List.of(read, made.get(name)) : List.of(read);
      for (GenericRecord record : records) {
        if (!HexFormat.of().formatHex(valueOf(record)).equals(one.get("hex").asText())) {
          System.err.println(name + " " + example + ": other bytes");
          wrong++;
        }
      }
    }
    for (String list : List.of("values", "partitioner")) {
      for (JsonNode one : golden.get(list)) {
        wrong += partitionsWrong(one);
        keys++;
      }
    }
    System.out.printf("java: %d values, %d keys, %d wrong%n", golden.get("values").size(), keys, wrong);
    return Math.min(wrong, 1);
  }

  private static int partitionsWrong(JsonNode one) {
    int wrong = 0;
    byte[] key = one.get("key").asText().getBytes(StandardCharsets.UTF_8);
    for (Map.Entry<String, JsonNode> each : one.get("partitions").properties()) {
      int count = Integer.parseInt(each.getKey());
      // what the producer does with a key where no partitioner.class is set
      if (Utils.toPositive(Utils.murmur2(key)) % count != each.getValue().asInt()) {
        System.err.println("key " + one.get("key") + ": other partition of " + count);
        wrong++;
      }
    }
    boolean signed = one.has("murmur2") && one.get("murmur2").asInt() != Utils.murmur2(key);
    return wrong + (signed ? 1 : 0);
  }

  private static GenericRecord read(Schema schema, String json) throws IOException {
    return new GenericDatumReader<GenericRecord>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, json));
  }

  public static void main(String[] words) throws Exception {
    for (JsonNode row : JSON.readTree(KIT.resolve("schemas/lock.json").toFile()).get("schemas")) {
      IDS.put(row.get("schema").asText(), row.get("id").asInt());
    }
    for (String name : List.of("mail.SendRequest", "mail.Send", "mail.Feedback")) {
      SCHEMAS.put(name, new Schema.Parser().parse(KIT.resolve("schemas/" + name + ".avsc").toFile()));
    }
    if (words.length == 1 && words[0].equals("verify")) {
      System.exit(verify());
    }
    if (words.length > 1 && words[0].equals("publish")) {
      System.exit(publish(words[1], words.length > 2 ? words[2] : "ses."));
    }
    System.err.println("java -cp 'target/dependency/*' Publish.java verify | publish BROKERS [PREFIX]");
    System.exit(1);
  }
}
