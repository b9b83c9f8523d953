package dev.flywheel.app.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * One setting as {@code reference.yaml} explains it.
 *
 * @param key dotted name
 * @param standard value without a file of the operator's
 * @param unit what the value counts, or its kind
 * @param reason what it is for
 */
public record Setting(
        String key,
        @JsonProperty("default") JsonNode standard,
        String unit,
        String reason) {

    static Setting of(String key, JsonNode standard, String reason) {
        return new Setting(key, standard, unit(key, standard), reason);
    }

    private static String unit(String key, JsonNode standard) {
        if (standard.isObject()) {
            return "text by name";
        }
        if (standard.isBoolean()) {
            return "true or false";
        }
        if (standard.isTextual()) {
            return DurationText.read(standard.textValue()) == null ? "text"
                    : "duration (" + DurationText.UNITS + ")";
        }
        for (String unit : new String[] {"bytes", "mib", "tokens", "chars", "port"}) {
            if (("_" + key.replace('.', '_') + "_").contains("_" + unit + "_")) {
                return unit;
            }
        }
        return standard.isIntegralNumber() ? "count" : "number";
    }
}
