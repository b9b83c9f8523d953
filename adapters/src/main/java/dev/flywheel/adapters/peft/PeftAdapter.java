package dev.flywheel.adapters.peft;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.lora.LoraWeights;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An adapter as a PEFT folder holds it.
 *
 * @param kept configuration fields that do not change the numbers, as JSON text, written back as they
 *     came
 */
public record PeftAdapter(LoraWeights weights, SortedMap<String, String> kept) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public PeftAdapter {
        kept = Collections.unmodifiableSortedMap(new TreeMap<>(kept));
    }

    /** Returns an adapter that came from no folder. */
    public static PeftAdapter of(LoraWeights weights) {
        return new PeftAdapter(weights, new TreeMap<>());
    }

    /** Returns what the configuration says the base model is called; null if it says nothing. */
    public @Nullable String baseModel() {
        String name = kept.get("base_model_name_or_path");
        try {
            return name == null ? null : JSON.readTree(name).textValue();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what is kept is JSON", e);
        }
    }
}
