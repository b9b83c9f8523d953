package dev.flywheel.adapters.safetensors;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.file.FileProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A small safetensors file held in memory, its tensors read as floats.
 *
 * <p>Immutable; the array given is not copied and must not change.
 */
public final class SafetensorsFile {
    private final SafetensorsHeader header;
    private final byte[] bytes;

    private SafetensorsFile(SafetensorsHeader header, byte[] bytes) {
        this.header = header;
        this.bytes = bytes;
    }

    /** Checks the header under the adapters' limit and keeps the bytes. */
    public static SafetensorsFile of(byte[] bytes) {
        return new SafetensorsFile(
                SafetensorsHeader.parse(bytes, SafetensorsHeader.ADAPTER_HEADER_BYTES_MAX), bytes);
    }

    /** Reads a file of at most {@code bytesMax} bytes. */
    public static SafetensorsFile read(Path file, long bytesMax) {
        try {
            long size = Files.size(file);
            if (size > bytesMax) {
                throw new AdapterException(
                        Code.TOO_LARGE,
                        file.getFileName()
                                + " has "
                                + size
                                + " bytes, allowed are at most "
                                + bytesMax);
            }
            return of(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNREADABLE,
                    file.getFileName() + " cannot be read (" + FileProblem.words(e) + ")", e);
        }
    }

    public SafetensorsHeader header() {
        return header;
    }

    /** Returns the names of all tensors. */
    public SortedSet<String> names() {
        return new TreeSet<>(header.tensors().keySet());
    }

    /** Returns the shape of a tensor. */
    public List<Long> shape(String name) {
        return entry(name).shape();
    }

    /** Returns a tensor's elements, row-major, widened to 32 bits. */
    public float[] floats(String name) {
        TensorEntry entry = entry(name);
        if (!entry.type().isFloat()) {
            throw new AdapterException(
                    Code.UNSUPPORTED,
                    "tensor "
                            + Shown.of(name)
                            + " has dtype "
                            + entry.type()
                            + ", supported are F32, F16 and BF16");
        }
        ByteBuffer data =
                ByteBuffer.wrap(bytes, (int) entry.begin(), (int) entry.bytes())
                        .slice()
                        .order(ByteOrder.LITTLE_ENDIAN);
        float[] out = new float[(int) entry.elements()];
        for (int i = 0; i < out.length; i++) {
            out[i] = element(data, entry.type(), i);
        }
        return out;
    }

    private static float element(ByteBuffer data, TensorType type, int index) {
        return switch (type) {
            case F32 -> data.getFloat(index * Float.BYTES);
            case F16 -> HalfFloats.fromF16(data.getShort(index * Short.BYTES));
            default -> HalfFloats.fromBf16(data.getShort(index * Short.BYTES));
        };
    }

    private TensorEntry entry(String name) {
        TensorEntry entry = header.tensors().get(name);
        if (entry == null) {
            throw new AdapterException(Code.MISMATCH, "the file has no tensor " + Shown.of(name));
        }
        return entry;
    }
}
