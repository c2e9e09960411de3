import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The join of ../README.md in Kafka Streams' Processor API, sends in its RocksDB store with its default settings.
 *
 * <p>The store is a read-only one ("ReadOnly State Stores" in Kafka's Developer Guide, Processor API): the topic of the
 * sends is its changelog, so that nothing is written twice, and a lost disk is rebuilt from there. Its state is durable
 * for as long as that topic keeps sends. Of what the guides teach it was the fastest here: a changelog of its own
 * (BENCH_CHANGELOG=own) cost a sixth more processor time, the median of seven pairs of runs of 550,000 events and more;
 * the KTable of the DSL, with TOPOLOGY_OPTIMIZATION, also more, for it reads what was there before each put.
 */
final class Peer {
    static final String STORE = "kept";
    static final String OUTCOMES = "outcomes";
    static final String SUPPRESSIONS = "suppressions";

    private Peer() {}

    public static void main(String[] words) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // whatever a library says is not for the driver
        Map<String, String> env = System.getenv();
        long messages = Long.parseLong(env.get("BENCH_MESSAGES"));
        long feedbacks = Long.parseLong(env.get("BENCH_FEEDBACKS"));
        Progress progress = new Progress(messages, feedbacks, out);
        Topology topology = topology(env, Schemas.load(Path.of(env.get("BENCH_SCHEMAS"))), progress);
        try (KafkaStreams streams = new KafkaStreams(topology, settings(env))) {
            streams.setUncaughtExceptionHandler(
                    wrong -> {
                        wrong.printStackTrace();
                        progress.giveUp();
                        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
                    });
            streams.start();
            progress.await();
        } // closed: producers are flushed, and then offsets committed
        if (progress.isComplete()) {
            out.println("done");
        }
        System.err.println(progress);
        // Closing only logs what fails, and commits nothing then; so the exit code tells whether `done` was true.
        System.exit(committed(env) == messages + feedbacks && progress.isComplete() ? 0 : 1);
    }

    private static Topology topology(Map<String, String> env, Schemas schemas, Progress progress) {
        var bytes = new ByteArrayDeserializer();
        StoreBuilder<KeyValueStore<byte[], byte[]>> store =
                Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(STORE), Serdes.ByteArray(), Serdes.ByteArray());
        Topology topology = new Topology();
        String sends = env.get("BENCH_SENDS");
        if ("own".equals(env.get("BENCH_CHANGELOG"))) {
            topology.addSource("sends", bytes, bytes, sends);
            topology.addProcessor("keep", () -> new Keep(progress), "sends");
            topology.addStateStore(store, "keep");
        } else {
            topology.addReadOnlyStateStore(store, "sends", bytes, bytes, sends, "keep", () -> new Keep(progress));
        }
        topology.addSource("feedback", bytes, schemas.feedback().deserializer(), env.get("BENCH_FEEDBACK"));
        topology.addProcessor("join", () -> new Join(schemas, progress), "feedback");
        topology.connectProcessorAndStateStores("join", STORE);
        sink(topology, OUTCOMES, env.get("BENCH_OUTCOMES"), schemas.outcome());
        sink(topology, SUPPRESSIONS, env.get("BENCH_SUPPRESSIONS"), schemas.suppression());
        return topology;
    }

    private static void sink(Topology topology, String name, String topic, Wire wire) {
        topology.addSink(name, topic, new StringSerializer(), wire.serializer(), "join");
    }

    /**
     * Kafka Streams' defaults, at least once, but for what is said here.
     *
     * <p>The size of a batch is what Confluent's "How to optimize a Kafka producer for throughput" says (linger.ms is
     * already 100 by Kafka Streams' default); 16 KB, the default, cost a third more processor time.
     * With max.task.idle.ms a task waits for its other topic, so that it takes records in order of time; with 0, the
     * default, hundreds of events were taken before their sends. It costs so long, once, when the sends are all read.
     */
    private static Properties settings(Map<String, String> env) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, env.get("BENCH_BROKERS"));
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, env.get("BENCH_GROUP"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, env.get("BENCH_DIR"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, env.getOrDefault("BENCH_THREADS", "1"));
        settings.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, 1000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "zstd");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 * 1024);
        return settings;
    }

    private static long committed(Map<String, String> env) throws Exception {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, env.get("BENCH_BROKERS")))) {
            return admin
                    .listConsumerGroupOffsets(env.get("BENCH_GROUP"))
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .values()
                    .stream()
                    .mapToLong(offset -> offset.offset())
                    .sum();
        }
    }
}
