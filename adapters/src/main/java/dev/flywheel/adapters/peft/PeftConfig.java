package dev.flywheel.adapters.peft;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The fields of {@code adapter_config.json}, checked one by one. */
final class PeftConfig {
    /** Variants that change the numbers and that we do not compute. */
    private static final Set<String> UNSUPPORTED_WHEN_SET =
            Set.of(
                    "alora_invocation_tokens",
                    "arrow_config",
                    "fan_in_fan_out",
                    "kasa_config",
                    "layer_replication",
                    "lora_bias",
                    "modules_to_save",
                    "monteclora_config",
                    "target_parameters",
                    "trainable_token_indices",
                    "use_bdlora",
                    "use_dora",
                    "use_qalora",
                    "velora_config");

    private static final Set<String> UNDERSTOOD =
            Set.of(
                    "alpha_pattern",
                    "bias",
                    "exclude_modules",
                    "layers_pattern",
                    "layers_to_transform",
                    "lora_alpha",
                    "peft_type",
                    "r",
                    "rank_pattern",
                    "target_modules",
                    "use_rslora");

    /** Ways to draw first weights that leave the base as it is. */
    private static final Set<String> NEUTRAL_STARTS =
            Set.of("eva", "gaussian", "lora_ga", "mica", "orthogonal");

    private static final int RANK_MAX = 4096;
    private static final int DEFAULT_RANK = 8;
    private static final double DEFAULT_ALPHA = 8;
    private static final JsonMapper JSON =
            JsonMapper.builder(
                    JsonFactory.builder()
                            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                            .streamReadConstraints(
                                    StreamReadConstraints.builder()
                                            .maxNestingDepth(32)
                                            .build())
                            .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private final ObjectNode fields;

    private PeftConfig(ObjectNode fields) {
        this.fields = fields;
    }

    static PeftConfig parse(byte[] json) {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AdapterException(
                    Code.MALFORMED,
                    PeftFolder.CONFIG_FILE + " is no valid JSON: " + JsonProblem.located(e),
                    e);
        } catch (java.io.IOException e) {
            throw new AdapterException(
                    Code.MALFORMED,
                    PeftFolder.CONFIG_FILE + " cannot be decoded (" + FileProblem.words(e) + ")",
                    e);
        }
        if (!(root instanceof ObjectNode fields)) {
            throw new AdapterException(
                    Code.MALFORMED, PeftFolder.CONFIG_FILE + " is not a JSON object");
        }
        PeftConfig config = new PeftConfig(fields);
        config.refuseUnsupported();
        return config;
    }

    private void refuseUnsupported() {
        String type = fields.path("peft_type").asText("");
        if (!type.equals("LORA")) {
            throw unsupported("peft_type", "LORA");
        }
        if (fields.has("bias") && !fields.path("bias").asText("").equals("none")) {
            throw unsupported("bias", "none");
        }
        fields.fields()
                .forEachRemaining(
                        field -> {
                            String name = field.getKey();
                            boolean switchedOn =
                                    name.startsWith("use_")
                                            && !name.equals("use_rslora")
                                            && field.getValue().asBoolean(false);
                            if (switchedOn
                                    || (UNSUPPORTED_WHEN_SET.contains(name)
                                            && isChosen(field.getValue()))) {
                                throw unsupported(name, "null, false or empty");
                            }
                        });
        refuseStartsThatChangeTheBase();
        refuseLayersWithoutMeaning();
    }

    /** PEFT subtracts such a start from the base's own weights whenever it loads the adapter. */
    private void refuseStartsThatChangeTheBase() {
        JsonNode start = fields.path("init_lora_weights");
        if (isSet(start) && !start.isBoolean()
                && !NEUTRAL_STARTS.contains(start.asText().toLowerCase(Locale.ROOT))) {
            throw unsupported(
                    "init_lora_weights",
                    "true, false, " + String.join(", ", new TreeSet<>(NEUTRAL_STARTS))
                            + "; others change the base, save the adapter with"
                            + " path_initial_model_for_weight_conversion");
        }
    }

    /** PEFT itself refuses these. */
    private void refuseLayersWithoutMeaning() {
        if (targetExpression() != null) {
            for (String name : List.of("layers_to_transform", "layers_pattern")) {
                if (fields.hasNonNull(name)) {
                    throw unsupported(name, "null where target_modules is an expression");
                }
            }
        }
        if (!layersPatterns().isEmpty() && !fields.hasNonNull("layers_to_transform")) {
            throw unsupported("layers_pattern", "null without layers_to_transform");
        }
    }

    /** A variant with all its settings left at their defaults is an empty object, and chosen. */
    private static boolean isChosen(JsonNode value) {
        return isSet(value) || value.isObject();
    }

    private static boolean isSet(JsonNode value) {
        if (value.isNull() || value.isMissingNode()
                || (value.isContainerNode() && value.isEmpty())) {
            return false;
        }
        return !value.isBoolean() || value.booleanValue();
    }

    int rank() {
        JsonNode value = fields.path("r");
        return value.isMissingNode() ? DEFAULT_RANK : rank("r", value);
    }

    double alpha() {
        JsonNode value = fields.path("lora_alpha");
        return value.isMissingNode() ? DEFAULT_ALPHA : alpha("lora_alpha", value);
    }

    boolean rsLora() {
        JsonNode value = fields.path("use_rslora");
        if (isSet(value) && !value.isBoolean()) {
            throw unsupported("use_rslora", "true or false");
        }
        return isSet(value);
    }

    /** Returns target_modules if it is one expression (or all-linear), else null. */
    @Nullable
    String targetExpression() {
        JsonNode value = fields.path("target_modules");
        return value.isTextual() ? value.textValue() : null;
    }

    /** Returns target_modules if it is a list. */
    List<String> targetList() {
        JsonNode value = fields.path("target_modules");
        if (!value.isArray() || value.isEmpty()) {
            throw unsupported("target_modules", "a list of names or a regular expression");
        }
        return strings("target_modules", value);
    }

    /** Returns exclude_modules if it is one expression, else null. */
    @Nullable
    String exclusionExpression() {
        JsonNode value = fields.path("exclude_modules");
        return value.isTextual() && !value.textValue().isEmpty() ? value.textValue() : null;
    }

    /** Returns exclude_modules if it is a list; empty if nothing is excluded by name. */
    List<String> exclusionList() {
        JsonNode value = fields.path("exclude_modules");
        if (isSet(value) && !value.isArray() && !value.isTextual()) {
            throw unsupported("exclude_modules", "a list of names or a regular expression");
        }
        return value.isArray() ? strings("exclude_modules", value) : List.of();
    }

    /** Returns layers_to_transform; empty means every layer. */
    List<Integer> layers() {
        JsonNode value = fields.path("layers_to_transform");
        List<Integer> layers = new ArrayList<>();
        if (value.isInt()) {
            layers.add(value.intValue());
        } else if (isSet(value)) {
            for (JsonNode layer : value) {
                if (!layer.isInt()) {
                    throw unsupported("layers_to_transform", "a list of layer numbers");
                }
                layers.add(layer.intValue());
            }
            if (layers.isEmpty()) {
                throw unsupported("layers_to_transform", "a list of layer numbers");
            }
        }
        return layers;
    }

    /** Returns layers_pattern; empty means any name before the layer's number. */
    List<String> layersPatterns() {
        JsonNode value = fields.path("layers_pattern");
        if (value.isTextual() && !value.textValue().isEmpty()) {
            return List.of(value.textValue());
        }
        return isSet(value) && value.isArray() ? strings("layers_pattern", value) : List.of();
    }

    SortedMap<String, Integer> rankPattern() {
        SortedMap<String, Integer> out = new TreeMap<>();
        pattern("rank_pattern").forEach((key, value) -> out.put(key, rank("rank_pattern", value)));
        return out;
    }

    SortedMap<String, Double> alphaPattern() {
        SortedMap<String, Double> out = new TreeMap<>();
        pattern("alpha_pattern")
                .forEach((key, value) -> out.put(key, alpha("alpha_pattern", value)));
        return out;
    }

    private Map<String, JsonNode> pattern(String field) {
        Map<String, JsonNode> out = new TreeMap<>();
        JsonNode value = fields.path(field);
        if (isSet(value)) {
            if (!value.isObject()) {
                throw unsupported(field, "an object");
            }
            value.fields().forEachRemaining(entry -> out.put(entry.getKey(), entry.getValue()));
        }
        return out;
    }

    /** Returns the order in which PEFT tries the keys of a pattern: as written. */
    List<String> patternKeys(String field) {
        List<String> keys = new ArrayList<>();
        fields.path(field).fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    /** Returns what we neither use nor understand, as JSON text, to be written back unchanged. */
    SortedMap<String, String> kept() {
        SortedMap<String, String> kept = new TreeMap<>();
        fields.fields()
                .forEachRemaining(
                        field -> {
                            if (!UNDERSTOOD.contains(field.getKey())) {
                                kept.put(field.getKey(), field.getValue().toString());
                            }
                        });
        return kept;
    }

    private static List<String> strings(String field, JsonNode list) {
        List<String> out = new ArrayList<>();
        for (JsonNode item : list) {
            if (!item.isTextual() || item.textValue().isEmpty()) {
                throw new AdapterException(
                        Code.MALFORMED, field + " holds " + brief(item) + ", expected names");
            }
            out.add(item.textValue());
        }
        return out;
    }

    private static int rank(String field, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new AdapterException(
                    Code.MALFORMED, field + " is " + brief(value) + ", expected a whole number");
        }
        int rank = value.intValue();
        if (rank < 1 || rank > RANK_MAX) {
            throw new AdapterException(
                    rank < 1 ? Code.MALFORMED : Code.TOO_LARGE,
                    field + " is " + rank + ", allowed are 1 to " + RANK_MAX);
        }
        return rank;
    }

    private static double alpha(String field, JsonNode value) {
        double alpha = value.isNumber() ? value.doubleValue() : Double.NaN;
        // NaN too is not in between. A scale beyond floats would make every result infinite.
        if (!(alpha > 0 && alpha <= Float.MAX_VALUE)) {
            throw new AdapterException(
                    Code.MALFORMED,
                    field + " is " + brief(value)
                            + ", expected a number above 0 that 32 bits hold; correct it");
        }
        return alpha;
    }

    private AdapterException unsupported(String field, String allowed) {
        return new AdapterException(
                Code.UNSUPPORTED,
                PeftFolder.CONFIG_FILE
                        + ": "
                        + field
                        + " is "
                        + brief(fields.path(field))
                        + ", supported: "
                        + allowed);
    }

    private static String brief(JsonNode value) {
        String text = value.isMissingNode() ? "missing" : value.toString();
        return text.length() > 120 ? text.substring(0, 120) + "..." : text;
    }
}
