package dev.flywheel.serving.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.serving.error.ServingException;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The JSON of a request, field by field; one that is null counts as absent. Each refusal names the field. Not thread-safe. */
final class Body {
    private static final int DEPTH_MAX = 64;
    static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    static {
        JSON.getFactory()
                .setStreamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build());
    }

    private final ObjectNode fields;
    private final Set<String> known = new HashSet<>();

    private Body(ObjectNode fields) {
        this.fields = fields;
    }

    static Body read(byte[] bytes) {
        try {
            if (JSON.readTree(bytes) instanceof ObjectNode object) {
                return new Body(object);
            }
            throw ServingException.named("body", "the body must be a JSON object");
        } catch (JsonProcessingException e) {
            throw ServingException.named("body", "the body is no valid JSON"
                    + (e.getLocation() == null ? ""
                            : ", see line " + e.getLocation().getLineNr() + ", column "
                                    + e.getLocation().getColumnNr()));
        } catch (IOException e) {
            throw ServingException.named("body", "the body is no valid UTF-8");
        }
    }

    /** Returns a field, or JSON's null. */
    JsonNode get(String field) {
        known.add(field);
        JsonNode value = fields.get(field);
        return value == null ? fields.nullNode() : value;
    }

    boolean has(String field) {
        return !get(field).isNull();
    }

    String text(String field) {
        JsonNode value = get(field);
        return value.isNull() ? ""
                : require(value, JsonNode::isTextual, field, "a text").textValue();
    }

    boolean flag(String field) {
        JsonNode value = get(field);
        return !value.isNull()
                && require(value, JsonNode::isBoolean, field, "true or false").booleanValue();
    }

    int count(String field) {
        JsonNode value = get(field);
        return value.isNull() ? 0
                : require(value,
                        node -> node.isIntegralNumber() && node.canConvertToInt()
                                && node.intValue() >= 0,
                        field, "a whole number from 0").intValue();
    }

    long whole(String field) {
        JsonNode value = get(field);
        return value.isNull() ? 0
                : require(value, node -> node.isIntegralNumber() && node.canConvertToLong(), field,
                        "a whole number of 64 bits").longValue();
    }

    float number(String field, float absent) {
        JsonNode value = get(field);
        return value.isNull() ? absent
                : (float) require(value, JsonNode::isNumber, field, "a number").doubleValue();
    }

    /** Takes note of a field that changes nothing here, whatever it says. */
    void ignore(String field) {
        known.add(field);
    }

    /** Takes fields that may say one thing only, which is what this node does anyway. */
    void only(String field, Predicate<JsonNode> harmless, String allowed) {
        if (has(field)) {
            JsonNode unused = require(get(field), harmless, field, allowed);
        }
    }

    /** Refuses what nobody has asked for. */
    void refuseOthers() {
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            if (!known.contains(field.getKey()) && !field.getValue().isNull()) {
                throw ServingException.field(shortened(field.getKey()),
                        "is not supported here; leave it out");
            }
        }
    }

    static JsonNode require(JsonNode value, Predicate<JsonNode> allowed, String field,
            String words) {
        if (!allowed.test(value)) {
            throw ServingException.field(field,
                    "is " + shortened(value.toString()) + ", allowed is " + words);
        }
        return value;
    }

    private static String shortened(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "...";
    }
}
