package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What this command knows to compare, so that nothing else is passed over in silence. */
final class KnownKeys {
    private static final Set<String> MANIFEST =
            Set.of(
                    "format", "id", "kind", "tier", "expect", "of", "why", "seed", "made_with",
                    "files", "files_layout", "tensors", "tolerance", "measured", "rules", "formula",
                    "effect_of_mistakes", "effect_of_mistakes_max_abs", "reference", "architecture",
                    "stored_dtype", "config_spelling", "parameters", "compute", "base_model",
                    "model_dir", "adapter_dir", "adapter_tensors", "init_adapter_dir",
                    "warm_adapter_dir", "loss", "hyper", "optimizer", "style",
                    "vocab_size_with_added", "special_ids", "counts", "chat_template_in",
                    "merges_written_as");

    private KnownKeys() {}

    /** Names keys of a manifest that mean nothing here. */
    static void manifest(JsonNode manifest, Findings findings) {
        entry("manifest", manifest, MANIFEST, findings);
    }

    /**
     * Holds a golden file to the lists that are compared.
     *
     * @throws BadCaseException if there is another list or object: results that would go unread
     */
    static void golden(JsonNode golden, Set<String> known, Findings findings) {
        Entries.object(golden, "golden.json");
        for (Map.Entry<String, JsonNode> entry : golden.properties()) {
            if (!known.contains(entry.getKey()) && entry.getValue().isContainerNode()) {
                throw new BadCaseException(
                        "golden.json holds %s, known are %s"
                                .formatted(entry.getKey(), sorted(known)));
            }
        }
        entry("golden", golden, known, findings);
    }

    /** Names keys of an entry that mean nothing here. */
    static void entry(String where, JsonNode entry, Set<String> known, Findings findings) {
        entry.propertyStream()
                .map(Map.Entry::getKey)
                .filter(key -> !known.contains(key))
                .forEach(key -> findings.notCompared(where + "." + key));
    }

    /**
     * Holds an object to settings that are followed; null, false and 0 ask for nothing.
     *
     * @throws BadCaseException if there is another that would change the results
     */
    static void settings(String where, JsonNode settings, Set<String> known, Findings findings) {
        Entries.object(settings, where);
        for (Map.Entry<String, JsonNode> entry : settings.properties()) {
            JsonNode value = entry.getValue();
            boolean neutral = value.isNull() || value.isBoolean() && !value.booleanValue()
                    || value.isNumber() && value.doubleValue() == 0;
            if (!known.contains(entry.getKey()) && !neutral) {
                throw new BadCaseException(
                        "%s.%s is %s, which is not followed; known are %s"
                                .formatted(
                                        where, entry.getKey(), Entries.shown(value),
                                        sorted(known)));
            }
        }
        entry(where, settings, known, findings);
    }

    private static List<String> sorted(Set<String> keys) {
        return keys.stream().sorted().toList();
    }
}
