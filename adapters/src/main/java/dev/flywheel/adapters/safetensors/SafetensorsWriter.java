package dev.flywheel.adapters.safetensors;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Writes safetensors in one canonical form: metadata first, tensors and their data sorted by name,
 * no blanks, the header padded with spaces to a multiple of eight bytes. The same tensors give the
 * same bytes on every machine.
 *
 * <p>Not thread-safe.
 */
public final class SafetensorsWriter {
    private record Tensor(TensorType type, int[] shape, float[] values) {
        long bytes() {
            return (long) type.bytes() * values.length;
        }
    }

    private final SortedMap<String, Tensor> tensors = new TreeMap<>();
    private final SortedMap<String, String> metadata = new TreeMap<>();

    public SafetensorsWriter() {
        metadata.put("format", "pt");
    }

    /** Adds a metadata entry; {@code format: pt}, which other readers ask for, is always there. */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Adds a tensor as F32. The array is not copied. */
    public SafetensorsWriter add(String name, float[] values, int... shape) {
        return add(name, TensorType.F32, values, shape);
    }

    /** Adds a tensor as F32 or, rounded to the nearest, BF16. The array is not copied. */
    public SafetensorsWriter add(String name, TensorType type, float[] values, int... shape) {
        if (type != TensorType.F32 && type != TensorType.BF16) {
            throw new IllegalArgumentException("type is " + type + ", allowed are F32 and BF16");
        }
        long elements = 1;
        for (int dimension : shape) {
            elements *= dimension;
        }
        if (elements != values.length) {
            throw new IllegalArgumentException(
                    name
                            + " holds "
                            + values.length
                            + " floats, its shape is "
                            + Arrays.toString(shape));
        }
        if (tensors.put(name, new Tensor(type, shape.clone(), values)) != null) {
            throw new IllegalArgumentException(name + " was added twice");
        }
        return this;
    }

    /** Returns the whole file. */
    public byte[] toBytes() {
        byte[] header = HeaderText.of(metadata, stored());
        long total = SafetensorsHeader.LENGTH_BYTES + (long) header.length;
        for (Tensor tensor : tensors.values()) {
            total += tensor.bytes();
        }
        if (total > Integer.MAX_VALUE) {
            throw new AdapterException(
                    Code.TOO_LARGE,
                    "file would have " + total + " bytes, at most 2^31 can be written");
        }
        ByteBuffer out = ByteBuffer.allocate((int) total).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(header.length).put(header);
        tensors.values().forEach(tensor -> write(out, tensor));
        return out.array();
    }

    private SortedMap<String, HeaderText.Stored> stored() {
        SortedMap<String, HeaderText.Stored> stored = new TreeMap<>();
        tensors.forEach((name, tensor) -> stored.put(name,
                new HeaderText.Stored(tensor.type(), tensor.shape())));
        return stored;
    }

    private static void write(ByteBuffer out, Tensor tensor) {
        if (tensor.type() == TensorType.F32) {
            for (float value : tensor.values()) {
                out.putFloat(value);
            }
        } else {
            for (float value : tensor.values()) {
                out.putShort(HalfFloats.toBf16(value));
            }
        }
    }
}
