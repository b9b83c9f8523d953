package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the engine computed for one case, in the layout of the case's golden files.
 *
 * <p>Not thread-safe.
 */
final class Actual {
    private static final String TENSORS = "actual.safetensors";
    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final boolean wanted;
    private final SortedMap<String, SafetensorsWriter> tensors = new TreeMap<>();
    private ObjectNode json = JSON.createObjectNode();

    /**
     * @param wanted whether it will be written; else tensors are not kept
     */
    Actual(boolean wanted) {
        this.wanted = wanted;
    }

    /** Returns the content of {@code actual.json}. */
    ObjectNode json() {
        return json;
    }

    /** Keeps a tensor for {@code actual.safetensors}. */
    void tensor(String name, float[] values, int... shape) {
        tensorIn(TENSORS, name, values, shape);
    }

    /** Keeps a tensor for a file of its own. */
    void tensorIn(String file, String name, float[] values, int... shape) {
        if (wanted) {
            tensors.computeIfAbsent(file, f -> new SafetensorsWriter()).add(name, values, shape);
        }
    }

    /** Keeps nothing: the case could not be judged. */
    void nothing() {
        json.removeAll();
        tensors.clear();
    }

    /** Keeps nothing but whether the files were accepted, and the error if they were not. */
    void onlyVerdict(@Nullable String error) {
        verdict(error);
        tensors.clear();
    }

    /** Keeps whether the files were accepted, and the error if they were not. */
    void verdict(@Nullable String error) {
        json = JSON.createObjectNode();
        json.put("accepted", error == null);
        json.put("error", error == null ? "" : error);
    }

    /**
     * Writes everything below a folder of this case, in place of what an earlier run wrote.
     */
    void write(Path folder) throws IOException {
        removeOld(folder);
        if (json.isEmpty() && tensors.isEmpty()) {
            return;
        }
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("actual.json"), JSON.writeValueAsString(json) + "\n");
        for (var file : tensors.entrySet()) {
            Path path = folder.resolve(file.getKey());
            Path parent = path.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.write(path, file.getValue().toBytes());
        }
    }

    private static void removeOld(Path folder) throws IOException {
        Files.deleteIfExists(folder.resolve("actual.json"));
        Files.deleteIfExists(folder.resolve(TENSORS));
        Path trajectory = folder.resolve("trajectory");
        if (!Files.isDirectory(trajectory, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> steps = Files.list(trajectory)) {
            for (Path step : steps.filter(Actual::isStep).toList()) {
                Files.delete(step);
            }
        }
        try {
            Files.delete(trajectory);
        } catch (DirectoryNotEmptyException e) {
            // holds something that no run wrote, which is not ours to remove
        }
    }

    private static boolean isStep(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.startsWith("step_") && name.endsWith(".safetensors");
    }

    /** Adds numbers to a list. */
    static ArrayNode add(ArrayNode list, int[] values) {
        for (int value : values) {
            list.add(value);
        }
        return list;
    }

    /** Adds numbers to a list; what is not finite becomes null, for JSON has no word for it. */
    static ArrayNode add(ArrayNode list, double[] values) {
        for (double value : values) {
            if (Double.isFinite(value)) {
                list.add(value);
            } else {
                list.addNull();
            }
        }
        return list;
    }
}
