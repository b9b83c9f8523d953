package dev.flywheel.engine.backend;

import java.lang.foreign.MemorySegment;
import java.util.Random;

/** A backend with a stream, and test data on it. */
final class Device implements AutoCloseable {
    final Backend backend;
    final Stream stream;

    Device(Backend backend) {
        this.backend = backend;
        this.stream = backend.stream(Stream.Priority.SERVING);
    }

    Buffer f32(float... values) {
        Buffer buffer = backend.allocate(DType.F32, values.length);
        backend.upload(stream, MemorySegment.ofArray(values), buffer);
        return buffer;
    }

    Buffer i32(int... values) {
        Buffer buffer = backend.allocate(DType.I32, values.length);
        backend.upload(stream, MemorySegment.ofArray(values), buffer);
        return buffer;
    }

    /** Frozen memory of a type, as weights come from a file. */
    Buffer wrapped(DType dtype, float[] values) {
        if (dtype == DType.F32) {
            return backend.wrap(dtype, MemorySegment.ofArray(values.clone()));
        }
        if (dtype.quantized()) {
            return backend.wrap(dtype, MemorySegment.ofArray(groups(dtype, values)));
        }
        short[] halves = new short[values.length];
        for (int i = 0; i < values.length; i++) {
            halves[i] = dtype == DType.F16
                    ? Float.floatToFloat16(values[i])
                    : (short) (Float.floatToIntBits(values[i]) >>> 16);
        }
        return backend.wrap(dtype, MemorySegment.ofArray(halves));
    }

    /** Groups whose scale is right for the values and whose codes are drawn: any bytes are weights. */
    private static byte[] groups(DType dtype, float[] values) {
        int groups = (values.length + dtype.groupElements() - 1) / dtype.groupElements();
        byte[] bytes = new byte[groups * dtype.groupBytes()];
        new Random(values.length).nextBytes(bytes);
        for (int g = 0; g < groups; g++) {
            float scale = Math.abs(values[g * dtype.groupElements()]);
            short half = Float.floatToFloat16(dtype == DType.Q8 ? scale : scale / 8);
            bytes[g * dtype.groupBytes()] = (byte) half;
            bytes[g * dtype.groupBytes() + 1] = (byte) (half >> 8);
        }
        return bytes;
    }

    float[] read(Buffer buffer) {
        if (buffer.dtype() == DType.I32) {
            int[] ints = new int[(int) buffer.elements()];
            backend.download(stream, buffer, MemorySegment.ofArray(ints));
            float[] values = new float[ints.length];
            for (int i = 0; i < ints.length; i++) {
                values[i] = ints[i];
            }
            return values;
        }
        float[] values = new float[(int) buffer.elements()];
        backend.download(stream, buffer, MemorySegment.ofArray(values));
        return values;
    }

    @Override
    public void close() {
        stream.close();
        backend.close();
    }

    /** Returns n normal values, the same for the same seed. */
    static float[] normal(int seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    static int[] indices(int seed, int n, int bound) {
        return new Random(seed).ints(n, 0, bound).toArray();
    }
}
