package dev.flywheel.engine.oracle;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Results of the reference implementation, shared beside the repository; absent ones skip the test. */
public final class Oracle {
    private static final long GOLDEN_BYTES_MAX = 1 << 26;

    private final Path folder;

    private Oracle(Path folder) {
        this.folder = folder;
    }

    /** Finds a case such as {@code models/llama-gqa-f32}, or aborts the test with the reason. */
    public static Oracle of(String name) {
        Path folder = shared().resolve("oracle").resolve(name);
        if (!Files.isDirectory(folder)) {
            abort("SKIPPED: no oracle case " + name + " in the shared folder");
        }
        return new Oracle(folder);
    }

    /** Returns the names of all cases whose name begins so, or aborts the test with the reason. */
    public static List<String> cases(String prefix) {
        JsonNode index = new Oracle(shared().resolve("oracle")).json("INDEX.json");
        List<String> names = new ArrayList<>();
        for (JsonNode entry : index.path("cases")) {
            String name = entry.path("id").asText();
            if (name.startsWith(prefix)) {
                names.add(name);
            }
        }
        return names;
    }

    private static Path shared() {
        String property = System.getProperty("flywheel.shared");
        if (property != null) {
            return Path.of(property);
        }
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.isDirectory(up.resolve("shared/oracle"))) {
                return up.resolve("shared");
            }
        }
        abort("SKIPPED: no folder shared/oracle beside the repository; set -Dflywheel.shared");
        throw new IllegalStateException();
    }

    public Path folder(String name) {
        return folder.resolve(name).normalize();
    }

    public JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(Files.readAllBytes(folder.resolve(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public SafetensorsFile tensors(String name) {
        return SafetensorsFile.read(folder.resolve(name), GOLDEN_BYTES_MAX);
    }

    public static int[] ints(JsonNode array) {
        int[] out = new int[array.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = array.get(i).intValue();
        }
        return out;
    }
}
