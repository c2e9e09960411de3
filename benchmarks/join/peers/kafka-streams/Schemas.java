import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;

/** The four schemas of the join, with their ids of lock.json; Outcome names Send and Feedback, so they come first. */
record Schemas(Wire send, Wire feedback, Wire outcome, Wire suppression) {
    static Schemas load(Path directory) throws IOException {
        Map<String, Integer> ids = new HashMap<>();
        for (JsonNode row : new ObjectMapper().readTree(directory.resolve("lock.json").toFile()).get("schemas")) {
            ids.put(row.get("schema").asText(), row.get("id").asInt());
        }
        Schema.Parser parser = new Schema.Parser();
        Wire[] wires = new Wire[4];
        String[] names = {"mail.Send", "mail.Feedback", "mail.Outcome", "mail.Suppression"};
        for (int i = 0; i < names.length; i++) {
            wires[i] = new Wire(parser.parse(directory.resolve(names[i] + ".avsc").toFile()), ids.get(names[i]));
        }
        return new Schemas(wires[0], wires[1], wires[2], wires[3]);
    }
}
