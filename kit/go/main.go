// Publish a send and what became of it, with franz-go and twmb/avro.
//
//	go run . verify                      bytes and partitions against golden.json; needs no broker
//	go run . publish BROKERS [PREFIX]    one Send and one Feedback; PREFIX is of the topics, ses. by default
//
// The directory above, with schemas/ and golden.json, is the current one's parent.
package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
)

// quick start: how a value is made
const messageID = "0100019a1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000" // as SES returned it

type record = map[string]any // what is left out takes the schema's default

var send = record{
	"message_id":   messageID,
	"sent_at":      int64(1767323045678), // milliseconds, UTC
	"stream":       "receipts",
	"recipients":   []string{"alice@example.com"},
	"from_address": "shop@example.org",
}

var feedback = record{
	"kind":        "DELIVERY",
	"occurred_at": int64(1767323046901),
	"message_id":  messageID,
	"recipients":  []record{{"address": "alice@example.com"}},
}

var sendRequest = record{
	"request_id":   "order-4711",
	"stream":       "receipts",
	"requested_at": int64(1767323045000),
	"from_address": "Shop <shop@example.org>",
	"to":           []string{"Alice@Example.com"},
	"content":      record{"mail.Simple": record{"subject": "Your order 4711", "text": "Thank you for your order.\n"}},
}

// valueOf returns a record as it lies on the topic: a zero byte, four bytes of schema id, the Avro body.
func valueOf(name string, value any) []byte {
	head := binary.BigEndian.AppendUint32([]byte{0}, ids[name])
	return must(schemas[name].AppendEncode(head, value))
}

// connected returns a client; franz-go's own partitioner is Java's, acks=all and idempotence are its defaults.
func connected(brokers string) *kgo.Client {
	return must(kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...)))
}

// quick start ends

var (
	ids     = map[string]uint32{}
	schemas = map[string]*avro.Schema{}
)

func publish(brokers, prefix string) int {
	client := connected(brokers)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := client.ProduceSync(ctx,
		&kgo.Record{Topic: prefix + "sends", Key: []byte(messageID), Value: valueOf("mail.Send", send)},
		&kgo.Record{Topic: prefix + "feedback", Key: []byte(messageID), Value: valueOf("mail.Feedback", feedback)},
	).FirstErr()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("published 2 records")
	return 0
}

type golden struct {
	Values []struct {
		keyed
		Schema, Example, Hex string
		AvroJSON             json.RawMessage `json:"avro_json"`
	}
	Partitioner []keyed
}

type keyed struct {
	Key        string
	Partitions map[string]int
}

func verify() int {
	var known golden
	load("golden.json", &known)
	made := map[string]record{"mail.SendRequest": sendRequest, "mail.Send": send, "mail.Feedback": feedback}
	keys, wrong := known.Partitioner, 0
	for _, one := range known.Values {
		var read any
		check(schemas[one.Schema].DecodeJSON(one.AvroJSON, &read, avro.TaggedUnions()))
		values := []any{read}
		if one.Example == "least" {
			values = append(values, made[one.Schema])
		}
		for _, value := range values {
			if hex.EncodeToString(valueOf(one.Schema, value)) != one.Hex {
				fmt.Fprintln(os.Stderr, one.Schema, one.Example+": other bytes")
				wrong++
			}
		}
		keys = append(keys, one.keyed)
	}
	wrong += partitionsWrong(keys)
	fmt.Printf("go: %d values, %d keys, %d wrong\n", len(known.Values), len(keys), wrong)
	return min(wrong, 1)
}

func partitionsWrong(keys []keyed) (wrong int) {
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic("keys") // franz-go's default for records with a key
	for _, one := range keys {
		for text, partition := range one.Partitions {
			count := must(strconv.Atoi(text))
			if found := partitioner.Partition(&kgo.Record{Key: []byte(one.Key)}, count); found != partition {
				fmt.Fprintf(os.Stderr, "key %.40q: other partition of %d\n", one.Key, count)
				wrong++
			}
		}
	}
	return wrong
}

func main() {
	var lock struct {
		Schemas []struct {
			Schema string
			ID     uint32
		}
	}
	load("schemas/lock.json", &lock)
	for _, row := range lock.Schemas {
		ids[row.Schema] = row.ID
	}
	for _, name := range []string{"mail.SendRequest", "mail.Send", "mail.Feedback"} {
		schemas[name] = must(avro.Parse(string(must(os.ReadFile(filepath.Join("..", "schemas", name+".avsc"))))))
	}
	words := append(os.Args[1:], "", "", "")
	switch prefix := words[2]; {
	case words[0] == "verify":
		os.Exit(verify())
	case words[0] == "publish" && words[1] != "":
		if prefix == "" {
			prefix = "ses."
		}
		os.Exit(publish(words[1], prefix))
	}
	fmt.Fprintln(os.Stderr, "go run . verify | go run . publish BROKERS [PREFIX]")
	os.Exit(1)
}

func load(path string, into any) {
	check(json.Unmarshal(must(os.ReadFile(filepath.Join("..", path))), into))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
