import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Feedback meets the Send of its message id: an Outcome for each recipient, and a Suppression where one is due. */
final class Join implements Processor<byte[], GenericRecord, String, GenericRecord> {
    private static final int DIGEST_BYTES = 16;
    private static final Map<String, String> KINDS =
            Map.of(
                    "DELIVERY", "DELIVERED",
                    "OPEN", "OPENED",
                    "CLICK", "CLICKED",
                    "REJECT", "REJECTED",
                    "DELIVERY_DELAY", "DELAYED",
                    "COMPLAINT", "COMPLAINED");

    private final Schemas schemas;
    private final Progress progress;
    private final MessageDigest sha256;
    private final Map<String, GenericData.EnumSymbol> kinds;
    private final Map<String, GenericData.EnumSymbol> reasons;
    private final Schema evidence;
    private ProcessorContext<String, GenericRecord> context;
    private KeyValueStore<byte[], byte[]> sends;

    Join(Schemas schemas, Progress progress) {
        this.schemas = schemas;
        this.progress = progress;
        kinds = symbols(schemas.outcome().schema.getField("kind").schema());
        reasons = symbols(schemas.suppression().schema.getField("reason").schema());
        evidence = schemas.suppression().schema.getField("evidence").schema().getElementType();
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException wrong) {
            throw new IllegalStateException(wrong);
        }
    }

    @Override
    public void init(ProcessorContext<String, GenericRecord> context) {
        this.context = context;
        sends = context.getStateStore(Peer.STORE);
    }

    @Override
    public void process(Record<byte[], GenericRecord> event) {
        GenericRecord feedback = event.value();
        byte[] kept = sends.get(event.key());
        GenericRecord send = kept == null ? null : schemas.send().decode(kept);
        boolean permanent = is(feedback.get("bounce_type"), "Permanent");
        String heard = feedback.get("kind").toString();
        String bounced = permanent ? "HARD_BOUNCED" : "SOFT_BOUNCED";
        String kind = heard.equals("BOUNCE") ? bounced : KINDS.getOrDefault(heard, "UNKNOWN");
        boolean suppress = kind.equals("HARD_BOUNCED") || kind.equals("COMPLAINED");

        List<?> recipients = (List<?>) feedback.get("recipients");
        for (Object one : recipients) {
            GenericRecord recipient = (GenericRecord) one;
            String address = recipient.get("address").toString();
            boolean certain = !kind.equals("COMPLAINED") || recipients.size() == 1;
            GenericRecord outcome = outcome(kind, certain, address, recipient.get("status"), send, feedback);
            context.forward(event.withKey(address).withValue(outcome), Peer.OUTCOMES);
            progress.outcome(kind);
            if (suppress) {
                GenericRecord suppression = suppression(kind, address, recipient.get("status"), feedback);
                context.forward(event.withKey(address).withValue(suppression), Peer.SUPPRESSIONS);
            }
        }
        progress.feedbackRead();
    }

    private GenericRecord outcome(
            String kind, boolean certain, String address, Object status, GenericRecord send, GenericRecord feedback) {
        long at = (Long) feedback.get("occurred_at");
        GenericRecord outcome = new GenericData.Record(schemas.outcome().schema);
        outcome.put("kind", kinds.get(kind));
        outcome.put("occurred_at", at);
        outcome.put("certain", certain);
        outcome.put("matched", send != null);
        outcome.put("recipient", address);
        outcome.put("outcome_id", id(feedback.get("feedback_id") + "/" + address));
        outcome.put("message_id", feedback.get("message_id"));
        outcome.put("reason", "");
        outcome.put("status", status);
        outcome.put("stream", send == null ? "" : send.get("stream"));
        outcome.put("attempt", send == null ? 1 : send.get("attempt"));
        outcome.put("request_id", send == null ? null : send.get("request_id"));
        outcome.put("latency_ms", send == null ? null : at - (Long) send.get("sent_at"));
        outcome.put("send", send);
        outcome.put("feedback", feedback);
        return outcome;
    }

    private GenericRecord suppression(String kind, String address, Object status, GenericRecord feedback) {
        GenericRecord because = new GenericData.Record(evidence);
        because.put("message_id", feedback.get("message_id"));
        because.put("kind", kind);
        because.put("status", status);
        because.put("at", feedback.get("occurred_at"));
        GenericRecord suppression = new GenericData.Record(schemas.suppression().schema);
        suppression.put("recipient", address);
        suppression.put("reason", reasons.get(kind.equals("COMPLAINED") ? "COMPLAINT" : "HARD_BOUNCE"));
        suppression.put("scope", "*");
        suppression.put("since", feedback.get("occurred_at"));
        suppression.put("evidence", List.of(because));
        suppression.put("by", "ses-streams");
        suppression.put("streams", List.of());
        return suppression;
    }

    private String id(String text) {
        return HexFormat.of().formatHex(sha256.digest(text.getBytes(StandardCharsets.UTF_8)), 0, DIGEST_BYTES);
    }

    private static boolean is(Object text, String expected) {
        return text != null && expected.contentEquals((CharSequence) text);
    }

    private static Map<String, GenericData.EnumSymbol> symbols(Schema schema) {
        Map<String, GenericData.EnumSymbol> symbols = new HashMap<>();
        schema.getEnumSymbols().forEach(name -> symbols.put(name, new GenericData.EnumSymbol(schema, name)));
        return symbols;
    }
}
