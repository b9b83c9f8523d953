package dev.flywheel.app.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One case folder and its manifest.
 *
 * @param id the folder's path within the oracle, separated by slashes
 */
record OracleCase(String id, Path folder, JsonNode manifest) {
    static final String FORMAT = "flywheel-oracle/1";
    static final String MANIFEST = "manifest.json";
    private static final long JSON_BYTES_MAX = 1 << 28;
    private static final long TENSORS_BYTES_MAX = 1L << 31;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Reads the manifest. */
    static OracleCase open(String id, Path folder) {
        JsonNode manifest = parse(folder.resolve(MANIFEST));
        String format = manifest.path("format").asText();
        if (!format.equals(FORMAT)) {
            throw new BadCaseException(
                    "%s has format \"%s\", understood is %s".formatted(MANIFEST, format, FORMAT));
        }
        return new OracleCase(id, folder, manifest);
    }

    static JsonNode parse(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                throw new BadCaseException(file.getFileName() + " is missing");
            }
            if (Files.size(file) > JSON_BYTES_MAX) {
                throw new BadCaseException(
                        "%s has %d bytes, allowed are at most %d"
                                .formatted(file.getFileName(), Files.size(file), JSON_BYTES_MAX));
            }
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            throw new BadCaseException(
                    file.getFileName() + " is no valid JSON: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new BadCaseException(file.getFileName() + " cannot be read: " + e, e);
        }
    }

    String kind() {
        return text("kind");
    }

    Expectation expectation() {
        return Expectation.of(text("expect"));
    }

    /** Returns a text of the manifest. */
    String text(String key) {
        JsonNode value = manifest.path(key);
        if (!value.isTextual()) {
            throw new BadCaseException(
                    "%s: %s is %s, expected a text".formatted(MANIFEST, key, shown(value)));
        }
        return value.textValue();
    }

    /** Returns a tolerance of the manifest. */
    double tolerance(String key) {
        return number(manifest.path("tolerance"), "tolerance", key);
    }

    /** Returns a number of an object of the manifest. */
    static double number(JsonNode parent, String parentName, String key) {
        JsonNode value = parent.path(key);
        if (!value.isNumber()) {
            throw new BadCaseException(
                    "%s: %s.%s is %s, expected a number"
                            .formatted(MANIFEST, parentName, key, shown(value)));
        }
        return value.doubleValue();
    }

    /** Returns the folder that the manifest names under {@code key}. */
    Path named(String key) {
        Path path = folder.resolve(text(key)).normalize();
        if (!Files.isDirectory(path)) {
            throw new BadCaseException(
                    "%s: %s is %s, which is no folder".formatted(MANIFEST, key, text(key)));
        }
        return path;
    }

    boolean has(String file) {
        return Files.isRegularFile(folder.resolve(file));
    }

    JsonNode json(String file) {
        return parse(folder.resolve(file));
    }

    SafetensorsFile tensors(String file) {
        try {
            return SafetensorsFile.read(folder.resolve(file), TENSORS_BYTES_MAX);
        } catch (AdapterException e) {
            throw new BadCaseException(file + ": " + e.getMessage(), e);
        }
    }

    /** Returns a golden tensor, which must have as many elements as the case implies. */
    static float[] golden(SafetensorsFile file, String name, long elements) {
        if (!file.names().contains(name)) {
            throw new BadCaseException("the golden file lacks " + name);
        }
        float[] values = file.floats(name);
        if (values.length != elements) {
            throw new BadCaseException(
                    "golden %s has shape %s, the engine computed %d numbers"
                            .formatted(name, file.shape(name), elements));
        }
        return values;
    }

    /** Returns a list of whole numbers. */
    static int[] ints(JsonNode array, String what) {
        if (!array.isArray()) {
            throw new BadCaseException(what + " is " + shown(array) + ", expected a list");
        }
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            if (!array.get(i).isInt()) {
                throw new BadCaseException(
                        what + " holds " + shown(array.get(i)) + ", expected whole numbers");
            }
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    /** Returns a list of one or more entries. */
    static JsonNode list(JsonNode parent, String key) {
        JsonNode list = parent.path(key);
        if (!list.isArray()) {
            throw new BadCaseException(key + " is " + shown(list) + ", expected a list");
        }
        return list;
    }

    private static String shown(JsonNode value) {
        if (value.isMissingNode()) {
            return "missing";
        }
        String text = value.toString();
        int shownMax = 80;
        return text.length() <= shownMax ? text : text.substring(0, shownMax) + "...";
    }
}
