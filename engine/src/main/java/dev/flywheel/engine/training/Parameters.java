package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.staging.HostMemory;
import dev.flywheel.engine.staging.StagedFloats;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Trainable tensors end to end in one buffer each for values, gradients and moments, so that norms and
 * optimizer steps are one call whatever the number of tensors.
 *
 * <p>Not thread-safe. Calls wait for the device where they hand something to the host.
 */
final class Parameters implements AutoCloseable {
    private final Backend backend;
    private final Stream stream;
    private final int[] sizes;
    private final long[] offsets;
    private final long total;
    private final Buffer values;
    private final Buffer gradients;
    private final Buffer accumulated;
    private final Buffer firstMoments;
    private final Buffer secondMoments;
    private final StagedFloats norm;
    private int step;

    private Parameters(Backend backend, int[] sizes) {
        this.backend = backend;
        this.stream = backend.stream(Stream.Priority.TRAINING);
        this.sizes = sizes.clone();
        this.offsets = new long[sizes.length];
        long next = 0;
        for (int i = 0; i < sizes.length; i++) {
            offsets[i] = next;
            next += sizes[i];
        }
        this.total = next;
        this.values = backend.allocate(DType.F32, total);
        this.gradients = backend.allocate(DType.F32, total);
        this.accumulated = backend.allocate(DType.F32, total);
        this.firstMoments = backend.allocate(DType.F32, total);
        this.secondMoments = backend.allocate(DType.F32, total);
        this.norm = new StagedFloats(backend, 1);
    }

    /** Allocates zeroed tensors of the given numbers of elements. */
    static Parameters allocate(Backend backend, int[] sizes) {
        return new Parameters(backend, sizes);
    }

    Buffer value(int tensor) {
        return values.slice(offsets[tensor], sizes[tensor]);
    }

    Buffer gradient(int tensor) {
        return gradients.slice(offsets[tensor], sizes[tensor]);
    }

    int step() {
        return step;
    }

    long total() {
        return total;
    }

    void setValues(List<float[]> tensors) {
        upload(values, tensors);
    }

    void setMoments(List<float[]> first, List<float[]> second, int steps) {
        upload(firstMoments, first);
        upload(secondMoments, second);
        step = steps;
    }

    List<float[]> values() {
        return download(values);
    }

    List<float[]> gradients() {
        return download(gradients);
    }

    List<float[]> firstMoments() {
        return download(firstMoments);
    }

    List<float[]> secondMoments() {
        return download(secondMoments);
    }

    void zeroGradients() {
        backend.fill(stream, gradients, 0, total);
        backend.fill(stream, accumulated, 0, total);
        stream.synchronize();
    }

    double gradientNorm() {
        return normOf(gradients);
    }

    double accumulatedNorm() {
        return normOf(accumulated);
    }

    void accumulate(double factor) {
        if (factor != 0) {
            backend.add(stream, accumulated, gradients, (float) factor, total);
        }
        backend.fill(stream, gradients, 0, total);
        stream.synchronize();
    }

    /** Hands the accumulated gradient out and begins a new one. */
    List<float[]> takeAccumulated() {
        List<float[]> tensors = download(accumulated);
        backend.fill(stream, accumulated, 0, total);
        stream.synchronize();
        return tensors;
    }

    /** Puts a gradient in the place of what was accumulated. */
    void setAccumulated(List<float[]> tensors) {
        upload(accumulated, tensors);
    }

    void step(AdamW settings, double gradientScale) {
        step(settings, settings, total, gradientScale);
    }

    /** Takes a step with other settings for the elements from {@code border} on. */
    void step(AdamW below, AdamW from, long border, double gradientScale) {
        accumulate(1);
        step++;
        adamW(below, 0, border, gradientScale);
        adamW(from, border, total, gradientScale);
        backend.fill(stream, accumulated, 0, total);
        stream.synchronize();
    }

    private void adamW(AdamW settings, long from, long to, double gradientScale) {
        long n = to - from;
        if (n > 0) {
            backend.adamW(
                    stream, values.slice(from, n), firstMoments.slice(from, n),
                    secondMoments.slice(from, n), accumulated.slice(from, n), (float) gradientScale,
                    settings, step, n);
        }
    }

    private double normOf(Buffer x) {
        backend.sumOfSquares(stream, norm.buffer(), x, total);
        norm.download(stream, 1);
        return Math.sqrt(norm.get(0));
    }

    private void upload(Buffer to, List<float[]> tensors) {
        try (HostMemory memory = new HostMemory()) {
            MemorySegment host = memory.floats(total);
            for (int i = 0; i < sizes.length; i++) {
                float[] tensor = tensors.get(i);
                if (tensor.length != sizes[i]) {
                    throw new IllegalArgumentException(
                            "tensor " + i + " has " + tensor.length + " elements, expected "
                                    + sizes[i]);
                }
                MemorySegment.copy(
                        tensor, 0, host, ValueLayout.JAVA_FLOAT, offsets[i] * Float.BYTES,
                        sizes[i]);
            }
            backend.upload(stream, host, to);
            stream.synchronize();
        }
    }

    private List<float[]> download(Buffer from) {
        try (HostMemory memory = new HostMemory()) {
            MemorySegment host = memory.floats(total);
            backend.download(stream, from, host);
            List<float[]> tensors = new ArrayList<>();
            for (int i = 0; i < sizes.length; i++) {
                float[] tensor = new float[sizes[i]];
                MemorySegment.copy(
                        host, ValueLayout.JAVA_FLOAT, offsets[i] * Float.BYTES, tensor, 0,
                        sizes[i]);
                tensors.add(tensor);
            }
            return tensors;
        }
    }

    @Override
    public void close() {
        stream.close();
        norm.close();
        List.of(values, gradients, accumulated, firstMoments, secondMoments).forEach(Buffer::close);
    }
}
