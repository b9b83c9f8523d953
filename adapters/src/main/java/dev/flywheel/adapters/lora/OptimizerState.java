package dev.flywheel.adapters.lora;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What AdamW remembers between rounds: how many steps it took and the two moments of each
 * parameter.
 *
 * <p>Immutable by agreement: the arrays are not copied.
 *
 * @param step optimizer steps taken so far
 * @param m first moments by parameter name
 * @param v second moments by the same names
 */
public record OptimizerState(int step, SortedMap<String, float[]> m, SortedMap<String, float[]> v) {
    private static final String M_PREFIX = "m.";
    private static final String V_PREFIX = "v.";
    private static final String STEP = "step";

    public OptimizerState {
        if (step < 0) {
            throw new IllegalArgumentException("step must not be negative, was " + step);
        }
        if (!m.keySet().equals(v.keySet())) {
            throw new IllegalArgumentException(
                    "first moments are of " + m.keySet() + ", second of " + v.keySet());
        }
        m = Collections.unmodifiableSortedMap(new TreeMap<>(m));
        v = Collections.unmodifiableSortedMap(new TreeMap<>(v));
    }

    /** Returns canonical bytes: flat tensors, the step in the metadata. */
    public byte[] toSafetensors() {
        SafetensorsWriter writer = new SafetensorsWriter().metadata(STEP, Integer.toString(step));
        m.forEach((name, values) -> writer.add(M_PREFIX + name, values, values.length));
        v.forEach((name, values) -> writer.add(V_PREFIX + name, values, values.length));
        return writer.toBytes();
    }

    /** Reads what {@link #toSafetensors} wrote. */
    public static OptimizerState fromSafetensors(byte[] bytes) {
        SafetensorsFile file = SafetensorsFile.of(bytes);
        SortedMap<String, float[]> m = new TreeMap<>();
        SortedMap<String, float[]> v = new TreeMap<>();
        for (String name : file.names()) {
            if (name.startsWith(M_PREFIX)) {
                m.put(name.substring(M_PREFIX.length()), file.floats(name));
            } else if (name.startsWith(V_PREFIX)) {
                v.put(name.substring(V_PREFIX.length()), file.floats(name));
            } else {
                throw new AdapterException(
                        Code.MALFORMED,
                        "optimizer state holds a tensor that is no moment: " + name);
            }
        }
        String step = file.header().metadata().get(STEP);
        try {
            return new OptimizerState(Integer.parseInt(step == null ? "" : step), m, v);
        } catch (IllegalArgumentException e) {
            throw new AdapterException(
                    Code.MALFORMED, "optimizer state is not whole: " + e.getMessage(), e);
        }
    }

    /** Returns the SHA-256 of the canonical bytes. */
    public Digest digest() {
        return Digest.of(toSafetensors());
    }
}
