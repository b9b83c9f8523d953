package dev.flywheel.adapters.safetensors;

import java.util.List;

/**
 * Where one tensor lies.
 *
 * @param begin first byte, counted from the start of the file (not of the data section)
 * @param end one past the last byte, counted likewise
 */
public record TensorEntry(String name, TensorType type, List<Long> shape, long begin, long end) {
    public TensorEntry {
        shape = List.copyOf(shape);
    }

    /** Returns the size in bytes. */
    public long bytes() {
        return end - begin;
    }

    /** Returns the number of elements. */
    public long elements() {
        return bytes() / type.bytes();
    }
}
