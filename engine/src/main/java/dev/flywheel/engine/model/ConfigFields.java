package dev.flywheel.engine.model;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * One object of {@code config.json}, whose fields are read by name and checked for their type.
 *
 * @param path what stands before a field's name in messages; empty for the outermost object
 */
record ConfigFields(String path, JsonNode node) {

    /** Parses strict JSON (no duplicate keys, nothing behind the object). */
    static JsonNode parseObject(String file, byte[] json) {
        ObjectMapper mapper = new ObjectMapper()
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
        try {
            JsonNode node = mapper.readTree(json);
            if (node == null || !node.isObject()) {
                throw new ModelException(
                        ModelException.Code.MALFORMED, file + " is no JSON object");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    ModelException.Code.MALFORMED,
                    file + " is no valid JSON: " + JsonProblem.located(e),
                    e);
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.MALFORMED,
                    file + " cannot be decoded (" + FileProblem.words(e) + ")", e);
        }
    }

    /** Returns whether the field is there and not null. */
    boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** Returns whether the field is there, be it null. */
    boolean names(String key) {
        return node.has(key);
    }

    /** Returns the field; a missing node if it is not there. */
    JsonNode get(String key) {
        return node.path(key);
    }

    /** Returns the object in a field; one without fields if it is missing or null. */
    ConfigFields object(String key) {
        if (has(key) && !get(key).isObject()) {
            throw expected(key, "an object");
        }
        return new ConfigFields(path + key + ".", get(key));
    }

    int integer(String key) {
        JsonNode value = get(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw expected(key, "a whole number");
        }
        return value.intValue();
    }

    int integer(String key, int fallback) {
        return has(key) ? integer(key) : fallback;
    }

    /** Returns a whole number above zero. */
    int count(String key, int fallback) {
        int value = integer(key, fallback);
        if (value < 1) {
            throw expected(key, "a whole number of at least 1");
        }
        return value;
    }

    List<Integer> integers(String key) {
        List<Integer> values = new ArrayList<>();
        if (has(key) && !get(key).isArray()) {
            throw expected(key, "a list of whole numbers");
        }
        for (JsonNode value : get(key)) {
            if (!value.isIntegralNumber() || !value.canConvertToInt()) {
                throw expected(key, "a list of whole numbers");
            }
            values.add(value.intValue());
        }
        return values;
    }

    boolean bool(String key, boolean fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!get(key).isBoolean()) {
            throw expected(key, "true or false");
        }
        return get(key).booleanValue();
    }

    double number(String key, double fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!get(key).isNumber()) {
            throw expected(key, "a number");
        }
        return get(key).doubleValue();
    }

    double positive(String key) {
        return positive(key, Double.NaN);
    }

    /** Returns a finite number above zero; NaN as the fallback makes the field a must. */
    double positive(String key, double fallback) {
        double value = number(key, fallback);
        if (!(value > 0) || !Double.isFinite(value)) {
            throw malformed(path + key + " is " + value + ", expected a positive number");
        }
        return value;
    }

    /** Refuses the value of a field for its type or range. */
    ModelException expected(String key, String expected) {
        return malformed(path + key + " is " + shown(get(key)) + ", expected " + expected);
    }

    /** Refuses a value that means something we do not compute. */
    ModelException unsupported(String key, String supported) {
        return unsupported(key, get(key), supported);
    }

    /** Refuses a value inside a field. */
    ModelException unsupported(String key, JsonNode value, String supported) {
        return new ModelException(
                ModelException.Code.UNSUPPORTED,
                "config.json: " + path + key + " is " + shown(value) + ", supported: "
                        + supported);
    }

    static ModelException malformed(String message) {
        return new ModelException(ModelException.Code.MALFORMED, "config.json: " + message);
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
