import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** A Send is kept under its message id, as the bytes that came. */
final class Keep implements Processor<byte[], byte[], Void, Void> {
    private final Progress progress;
    private KeyValueStore<byte[], byte[]> sends;

    Keep(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        sends = context.getStateStore(Peer.STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> send) {
        sends.put(send.key(), send.value());
        progress.sendRead();
    }
}
