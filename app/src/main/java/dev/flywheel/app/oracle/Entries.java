package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads entries of a case's JSON files; one that is missing or of another type is the case's fault. */
final class Entries {
    private static final int SHOWN_MAX = 80;

    private Entries() {}

    /** Returns a list of one or more objects: over an empty one nothing would be compared. */
    static List<ObjectNode> objects(JsonNode parent, String key) {
        JsonNode list = OracleCase.list(parent, key);
        if (list.isEmpty()) {
            throw new BadCaseException(key + " is empty, expected one entry or more");
        }
        return objectsOrNone(parent, key);
    }

    /** Returns a list of objects, none if there is no such key. */
    static List<ObjectNode> objectsOrNone(JsonNode parent, String key) {
        List<ObjectNode> objects = new ArrayList<>();
        if (parent.has(key)) {
            for (JsonNode entry : OracleCase.list(parent, key)) {
                objects.add(object(entry, key + "[" + objects.size() + "]"));
            }
        }
        return objects;
    }

    static ObjectNode object(JsonNode value, String what) {
        if (value instanceof ObjectNode object) {
            return object;
        }
        throw wrong(what, value, "an object");
    }

    static String text(JsonNode parent, String key) {
        JsonNode value = parent.path(key);
        if (!value.isTextual()) {
            throw wrong(key, value, "a text");
        }
        return value.textValue();
    }

    /** Returns a text, or null where the entry says null or nothing. */
    static @Nullable String textOrNull(JsonNode parent, String key) {
        return parent.hasNonNull(key) ? text(parent, key) : null;
    }

    static int whole(JsonNode parent, String key) {
        JsonNode value = parent.path(key);
        if (!value.isInt()) {
            throw wrong(key, value, "a whole number");
        }
        return value.intValue();
    }

    static double number(JsonNode value, String what) {
        if (!value.isNumber()) {
            throw wrong(what, value, "a number");
        }
        return value.doubleValue();
    }

    /** Returns a list of one or more token ids of a vocabulary. */
    static int[] tokens(JsonNode parent, String key, int vocabSize) {
        int[] ids = OracleCase.ints(parent.path(key), key);
        if (ids.length == 0) {
            throw new BadCaseException(key + " is empty, expected one token or more");
        }
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new BadCaseException(
                        "%s holds %d, the vocabulary has 0 to %d"
                                .formatted(key, id, vocabSize - 1));
            }
        }
        return ids;
    }

    /** Copies what was given to the engine, key by key; what it was to answer stays behind. */
    static void copyInputs(JsonNode entry, ObjectNode kept, List<String> keys) {
        for (String key : keys) {
            if (entry.has(key)) {
                kept.set(key, entry.path(key).deepCopy());
            }
        }
    }

    /** Returns a value in a few words. */
    static String shown(JsonNode value) {
        if (value.isMissingNode()) {
            return "missing";
        }
        String text = value.toString();
        return text.length() <= SHOWN_MAX ? text : text.substring(0, SHOWN_MAX) + "...";
    }

    private static BadCaseException wrong(String what, JsonNode value, String expected) {
        return new BadCaseException(
                "%s is %s, expected %s".formatted(what, shown(value), expected));
    }
}
