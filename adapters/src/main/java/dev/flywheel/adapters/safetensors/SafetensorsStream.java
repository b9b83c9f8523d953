package dev.flywheel.adapters.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Writes safetensors that are larger than memory, in the same canonical form as {@link SafetensorsWriter}: values are asked for in the
 * order in which they lie in the file, a chunk at a time.
 */
public final class SafetensorsStream {
    private static final int CHUNK = 1 << 16;

    private SafetensorsStream() {}

    /** Values of one tensor, in row order. */
    @FunctionalInterface
    public interface Values {
        /** Gives the next {@code count} values in the beginning of {@code chunk}. */
        void next(float[] chunk, int count);
    }

    /**
     * Writes a whole file of BF16 tensors, each value rounded to the nearest.
     *
     * @param shapes of all tensors, by name
     * @param values is asked for each tensor's once, in the order of names
     */
    public static void write(WritableByteChannel to, SortedMap<String, List<Integer>> shapes,
            Function<String, Values> values) throws IOException {
        SortedMap<String, HeaderText.Stored> stored = new TreeMap<>();
        shapes.forEach((name, shape) -> stored.put(name, new HeaderText.Stored(TensorType.BF16,
                shape.stream().mapToInt(Integer::intValue).toArray())));
        SortedMap<String, String> metadata = new TreeMap<>(Map.of("format", "pt"));
        byte[] header = HeaderText.of(metadata, stored);
        ByteBuffer buffer = ByteBuffer
                .allocate(SafetensorsHeader.LENGTH_BYTES + header.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        writeAll(to, buffer.putLong(header.length).put(header).flip());
        for (Map.Entry<String, HeaderText.Stored> tensor : stored.entrySet()) {
            write(to, tensor.getValue().elements(), values.apply(tensor.getKey()));
        }
    }

    private static void write(WritableByteChannel to, long elements, Values values)
            throws IOException {
        float[] chunk = new float[CHUNK];
        ByteBuffer buffer = ByteBuffer.allocate(CHUNK * TensorType.BF16.bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long left = elements; left > 0; left -= CHUNK) {
            int count = (int) Math.min(CHUNK, left);
            values.next(chunk, count);
            buffer.clear();
            for (int i = 0; i < count; i++) {
                buffer.putShort(HalfFloats.toBf16(chunk[i]));
            }
            writeAll(to, buffer.flip());
        }
    }

    private static void writeAll(WritableByteChannel to, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            to.write(buffer);
        }
    }
}
