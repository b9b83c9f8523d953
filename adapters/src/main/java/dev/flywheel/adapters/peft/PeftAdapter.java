package dev.flywheel.adapters.peft;

import dev.flywheel.adapters.lora.LoraWeights;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An adapter as a PEFT folder holds it.
 *
 * @param kept configuration fields that do not change the numbers, as JSON text, written back as they
 *     came
 */
public record PeftAdapter(LoraWeights weights, SortedMap<String, String> kept) {
    public PeftAdapter {
        kept = Collections.unmodifiableSortedMap(new TreeMap<>(kept));
    }

    /** Returns an adapter that came from no folder. */
    public static PeftAdapter of(LoraWeights weights) {
        return new PeftAdapter(weights, new TreeMap<>());
    }
}
