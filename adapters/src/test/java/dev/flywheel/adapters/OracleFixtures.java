package dev.flywheel.adapters;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.lora.ModuleShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;

/** Finds the oracle's folders: system property {@code flywheel.shared}, else upwards from here. */
public final class OracleFixtures {
    private static final ObjectMapper JSON = new ObjectMapper();

    private OracleFixtures() {}

    /** Returns a folder of the oracle, or skips the test with the reason. */
    public static Path folder(String name) {
        String property = System.getProperty("flywheel.shared");
        Path found = property == null ? null : Path.of(property, "oracle", name);
        Path at = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        for (; found == null && at != null; at = at.getParent()) {
            Path candidate = at.resolve("shared").resolve("oracle").resolve(name);
            found = Files.isDirectory(candidate) ? candidate : null;
        }
        assumeTrue(
                found != null && Files.isDirectory(found),
                "oracle folder " + name + " not found; set -Dflywheel.shared");
        return found;
    }

    /** Returns the linear modules of a dense model folder, from its config.json. */
    public static SortedMap<String, ModuleShape> modules(Path modelFolder) throws IOException {
        JsonNode config = JSON.readTree(modelFolder.resolve("config.json").toFile());
        int hidden = config.get("hidden_size").asInt();
        int heads = config.get("num_attention_heads").asInt();
        int headSize = config.path("head_dim").asInt(hidden / heads);
        int queries = heads * headSize;
        int keys = config.get("num_key_value_heads").asInt() * headSize;
        int wide = config.get("intermediate_size").asInt();
        SortedMap<String, ModuleShape> modules = new TreeMap<>();
        for (int layer = 0; layer < config.get("num_hidden_layers").asInt(); layer++) {
            String prefix = "model.layers." + layer + ".";
            modules.put(prefix + "self_attn.q_proj", new ModuleShape(hidden, queries));
            modules.put(prefix + "self_attn.k_proj", new ModuleShape(hidden, keys));
            modules.put(prefix + "self_attn.v_proj", new ModuleShape(hidden, keys));
            modules.put(prefix + "self_attn.o_proj", new ModuleShape(queries, hidden));
            modules.put(prefix + "mlp.gate_proj", new ModuleShape(hidden, wide));
            modules.put(prefix + "mlp.up_proj", new ModuleShape(hidden, wide));
            modules.put(prefix + "mlp.down_proj", new ModuleShape(wide, hidden));
        }
        return modules;
    }
}
