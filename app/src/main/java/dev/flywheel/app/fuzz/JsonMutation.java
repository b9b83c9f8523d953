package dev.flywheel.app.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.flywheel.adapters.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/** Ways to break JSON that leave it JSON, or nearly. */
final class JsonMutation {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int DEEP = 20_000;
    private static final int LONG_TEXT = 5_000;

    private static final List<String> NUMBERS = List.of(
            "0", "-1", "1", "2", "3", "-0", "0.5", "1.0", "1e3", "2147483647", "2147483648",
            "-2147483649", "4294967296", "4294967297", "9007199254740993", "9223372036854775807",
            "9223372036854775808", "18446744073709551616", "1e308", "1e999", "1e-400",
            "1e999999999", "1e-999999999", "-1e99999", "NaN", "Infinity", "0x10", "01",
            "9".repeat(LONG_TEXT));

    private static final List<String> VALUES = List.of(
            "null", "true", "false", "\"\"", "\"x\"", "[]", "{}", "[null]", "[[]]", "{\"a\":1}",
            "\"\\u0000\"", "\"\\ud800\"", "\"../../etc/passwd\"", "\"/dev/zero\"", "\"(a+)+$\"",
            "\"((\"", "\"(.*)*(.*)*(.*)*x\"", "\"a{1000000}\"", "\"F32\"", "\"BF16\"", "\"I64\"",
            "[0,0]", "[1,2,3]", "[-1,1]", "[1e400]", "[0,9223372036854775807]",
            "\"" + "x".repeat(LONG_TEXT) + "\"", "[".repeat(DEEP), "{\"a\":".repeat(DEEP),
            "[".repeat(DEEP) + "]".repeat(DEEP));

    /** A place in a document: a member of an object or an entry of a list. */
    private record Slot(ContainerNode<?> parent, String key, int index) {
        JsonNode value() {
            return parent instanceof ObjectNode object ? object.get(key) : parent.get(index);
        }

        void set(JsonNode value) {
            if (parent instanceof ObjectNode object) {
                object.set(key, value);
            } else if (parent instanceof ArrayNode array) {
                array.set(index, value);
            }
        }

        void remove() {
            if (parent instanceof ObjectNode object) {
                object.remove(key);
            } else if (parent instanceof ArrayNode array) {
                array.remove(index);
            }
        }
    }

    private JsonMutation() {}

    /** Returns a broken document; one that cannot be read or has no members stays as it is. */
    static String apply(String text, SeededRandom random) {
        JsonNode root;
        try {
            root = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return text;
        }
        List<Slot> slots = new ArrayList<>();
        collect(root, slots);
        if (slots.isEmpty()) {
            return text;
        }
        Slot slot = random.pick(slots);
        switch (random.nextInt(8)) {
            case 0, 1 -> slot.set(raw(random.pick(NUMBERS)));
            case 2 -> slot.set(raw(random.pick(VALUES)));
            case 3 -> slot.remove();
            case 4 -> rename(slot, random);
            case 5 -> slot.set(random.pick(slots).value().deepCopy());
            case 6 -> slot.set(nudged(slot.value(), random));
            default -> {
                return twice(root, slot, random);
            }
        }
        return written(root);
    }

    private static void collect(JsonNode node, List<Slot> slots) {
        if (node instanceof ObjectNode object) {
            object.properties().forEach(member -> {
                slots.add(new Slot(object, member.getKey(), 0));
                collect(member.getValue(), slots);
            });
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                slots.add(new Slot(array, "", i));
                collect(array.get(i), slots);
            }
        }
    }

    private static void rename(Slot slot, SeededRandom random) {
        if (slot.parent() instanceof ObjectNode object) {
            JsonNode value = object.remove(slot.key());
            String key = slot.key();
            String renamed = switch (random.nextInt(4)) {
                case 0 -> key + "x";
                case 1 -> key.isEmpty() ? "y" : key.substring(1);
                case 2 -> "../" + key;
                default -> key.replace('0', '1');
            };
            object.set(renamed, value);
        }
    }

    /** Moves a number by a little, turns signs and truth values around, changes a letter. */
    private static JsonNode nudged(JsonNode value, SeededRandom random) {
        if (value.isIntegralNumber()) {
            return raw(Long.toString(value.longValue() + random.nextInt(9) - 4));
        }
        if (value.isNumber()) {
            return raw(Double.toString(value.doubleValue() * random.nextDouble(-2, 2)));
        }
        if (value.isBoolean()) {
            return raw(value.booleanValue() ? "false" : "true");
        }
        if (value instanceof ArrayNode array && !array.isEmpty()) {
            return negated(array);
        }
        String text = value.asText();
        return text.isEmpty() ? raw("\"z\"")
                : JSON.getNodeFactory()
                        .textNode(text.substring(0, random.nextInt(text.length()))
                                + (char) random.nextInt(0x3000));
    }

    /** Turns the signs of a list's numbers around, so that their product may stay what it was. */
    private static JsonNode negated(ArrayNode array) {
        ArrayNode negated = JSON.createArrayNode();
        array.forEach(entry -> negated.add(
                entry.isIntegralNumber() ? raw(Long.toString(-entry.longValue())) : entry));
        return negated;
    }

    /** Repeats a member under its own name, which a tree cannot hold. */
    private static String twice(JsonNode root, Slot slot, SeededRandom random) {
        if (!(slot.parent() instanceof ObjectNode object)) {
            slot.set(raw(random.pick(VALUES)));
            return written(root);
        }
        String mark = "\u0001twice\u0001";
        JsonNode value = object.get(slot.key());
        object.put(mark, "");
        return written(root).replace(
                JSON.getNodeFactory().textNode(mark) + ":\"\"",
                JSON.getNodeFactory().textNode(slot.key()) + ":" + value);
    }

    private static JsonNode raw(String text) {
        return new POJONode(new RawValue(text));
    }

    private static String written(JsonNode root) {
        try {
            return JSON.writeValueAsString(root);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree can be written", e);
        }
    }
}
