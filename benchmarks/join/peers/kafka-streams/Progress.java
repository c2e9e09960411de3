import java.io.PrintStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** How far all threads are: what was read, and outcomes by kind. Says `begun` at the first record. */
final class Progress {
    private final long messages;
    private final long feedbacks;
    private final PrintStream out;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final AtomicLong sendsRead = new AtomicLong();
    private final AtomicLong feedbacksRead = new AtomicLong();
    private final CountDownLatch open = new CountDownLatch(2);
    private final Map<String, LongAdder> outcomes = new ConcurrentHashMap<>();

    Progress(long messages, long feedbacks, PrintStream out) {
        this.messages = messages;
        this.feedbacks = feedbacks;
        this.out = out;
    }

    void sendRead() {
        count(sendsRead, messages);
    }

    void feedbackRead() {
        count(feedbacksRead, feedbacks);
    }

    void outcome(String kind) {
        outcomes.computeIfAbsent(kind, unused -> new LongAdder()).increment();
    }

    /** Wait until everything is read, or until `giveUp`. */
    void await() throws InterruptedException {
        open.await();
    }

    boolean isComplete() {
        return sendsRead.get() == messages && feedbacksRead.get() == feedbacks;
    }

    void giveUp() {
        open.countDown();
        open.countDown();
    }

    @Override
    public String toString() {
        return "sends " + sendsRead + ", feedbacks " + feedbacksRead + ", outcomes " + outcomes;
    }

    private void count(AtomicLong read, long all) {
        if (!begun.get() && begun.compareAndSet(false, true)) {
            out.println("begun");
        }
        if (read.incrementAndGet() == all) {
            open.countDown();
        }
    }
}
