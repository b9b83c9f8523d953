package dev.flywheel.app.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * One case folder and its manifest.
 *
 * @param id the folder's path within the oracle, separated by slashes
 * @param tolerances of the manifest, and which were used
 */
record OracleCase(String id, Path folder, JsonNode manifest, Tolerances tolerances) {
    static final String FORMAT = "flywheel-oracle/1";
    static final String MANIFEST = "manifest.json";
    private static final long JSON_BYTES_MAX = 1 << 28;
    private static final long TENSORS_BYTES_MAX = 1L << 31;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Reads the manifest. */
    static OracleCase open(String id, Path folder) {
        JsonNode manifest = Entries.object(parse(folder.resolve(MANIFEST)), MANIFEST);
        String format = manifest.path("format").asText();
        if (!format.equals(FORMAT)) {
            throw new BadCaseException(
                    "%s has format \"%s\", understood is %s".formatted(MANIFEST, format, FORMAT));
        }
        return new OracleCase(
                id, folder, manifest, new Tolerances(manifest.path("tolerance")));
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
            throw new BadCaseException(
                    file.getFileName() + " cannot be read: " + FileProblem.words(e), e);
        }
    }

    String kind() {
        return text("kind");
    }

    Expectation expectation() {
        return Expectation.of(text("expect"));
    }

    /** Returns whether the case asks for nothing but an error. */
    boolean mustBeRefused() {
        return expectation() == Expectation.REFUSE;
    }

    /**
     * Returns whether an id is this folder's: the oracle may lie anywhere, and only a part of it may
     * have been named.
     */
    boolean isNamed(String claimed) {
        if (claimed.equals(id)) {
            return true;
        }
        try {
            Path path = Path.of(claimed);
            Path found = folder.toAbsolutePath().normalize();
            return found.endsWith(path) || folder.toRealPath().endsWith(path);
        } catch (InvalidPathException | IOException e) {
            return false;
        }
    }

    /** Returns a text of the manifest. */
    String text(String key) {
        JsonNode value = manifest.path(key);
        if (!value.isTextual()) {
            throw new BadCaseException(
                    "%s: %s is %s, expected a text".formatted(MANIFEST, key, Entries.shown(value)));
        }
        return value.textValue();
    }

    /** Returns a tolerance of the manifest. */
    double tolerance(String key) {
        return tolerances.of(key);
    }

    /** Returns a number of an object of the manifest. */
    static double number(JsonNode parent, String parentName, String key) {
        JsonNode value = parent.path(key);
        if (!value.isNumber()) {
            throw new BadCaseException(
                    "%s: %s.%s is %s, expected a number"
                            .formatted(MANIFEST, parentName, key, Entries.shown(value)));
        }
        return value.doubleValue();
    }

    /** Returns the folder that the manifest names under {@code key}. */
    Path named(String key) {
        try {
            Path path = folder.resolve(text(key)).normalize();
            if (Files.isDirectory(path)) {
                return path;
            }
            // A linked case means what lies beside the folder itself, not beside the link.
            Path beside = folder.toRealPath().resolve(text(key)).normalize();
            if (Files.isDirectory(beside)) {
                return beside;
            }
        } catch (InvalidPathException | IOException e) {
            // no folder either
        }
        throw new BadCaseException(
                "%s: %s is %s, which is no folder"
                        .formatted(MANIFEST, key, Text.shown(text(key))));
    }

    boolean has(String file) {
        return Files.isRegularFile(folder.resolve(file));
    }

    JsonNode json(String file) {
        return parse(folder.resolve(file));
    }

    SafetensorsFile tensors(String file) {
        if (!has(file)) {
            throw new BadCaseException(file + " is missing");
        }
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
            throw new BadCaseException(what + " is " + Entries.shown(array) + ", expected a list");
        }
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            if (!array.get(i).isInt()) {
                throw new BadCaseException(
                        what + " holds " + Entries.shown(array.get(i))
                                + ", expected whole numbers");
            }
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    /** Returns a list. */
    static JsonNode list(JsonNode parent, String key) {
        JsonNode list = parent.path(key);
        if (!list.isArray()) {
            throw new BadCaseException(key + " is " + Entries.shown(list) + ", expected a list");
        }
        return list;
    }
}
