package dev.flywheel.engine.backend.reference;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.AttentionShape;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.HostStream;
import dev.flywheel.engine.backend.Stream;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Every call as a plain loop that sums in double and rounds once: slow, obvious, the judge of the
 * fast backends.
 *
 * <p>Checks type and length of every buffer before it touches one. Stateless; a call runs on the
 * caller's thread before it returns.
 */
public final class ReferenceBackend implements Backend {
    private static final float ONE = 1;

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public String fingerprint() {
        return "reference/double/1";
    }

    @Override
    public Buffer allocate(DType dtype, long elements) {
        return ReferenceBuffer.allocate(dtype, elements);
    }

    @Override
    public Buffer wrap(DType dtype, MemorySegment host) {
        return ReferenceBuffer.wrap(dtype, host);
    }

    @Override
    public Stream stream(Stream.Priority priority) {
        return new HostStream(priority);
    }

    @Override
    public void upload(Stream s, MemorySegment host, Buffer to) {
        ReferenceBuffer target = any("to", to, to.dtype().elements(host.byteSize()));
        target.copyFrom(host);
    }

    @Override
    public void download(Stream s, Buffer from, MemorySegment host) {
        ReferenceBuffer source = any("from", from, from.dtype().elements(host.byteSize()));
        host.copyFrom(source.memory().asSlice(0, host.byteSize()));
    }

    @Override
    public void copy(Stream s, Buffer to, Buffer from, long n) {
        if (to.dtype() != from.dtype()) {
            throw new IllegalArgumentException(
                    "to holds " + to.dtype() + ", from " + from.dtype() + "; types must agree");
        }
        any("to", to, n)
                .copyFrom(any("from", from, n).memory().asSlice(0, to.dtype().bytes(n)));
    }

    @Override
    public void fill(Stream s, Buffer x, float value, long n) {
        ReferenceBuffer target = f32("x", x, n);
        for (long i = 0; i < n; i++) {
            target.set(i, value);
        }
    }

    @Override
    public void add(Stream s, Buffer out, Buffer x, float alpha, long n) {
        ReferenceBuffer target = f32("out", out, n);
        ReferenceBuffer source = f32("x", x, n);
        for (long i = 0; i < n; i++) {
            target.addTo(i, (double) alpha * source.get(i));
        }
    }

    @Override
    public void gatherRows(Stream s, Buffer out, Buffer x, Buffer index, int rows, int dim) {
        ReferenceRows.gather(f32("out", out, (long) rows * dim), f32("x", x, 0),
                i32("index", index, rows), ONE, rows, dim);
    }

    @Override
    public void scatterAddRows(Stream s, Buffer out, Buffer x, Buffer index,
            @Nullable Buffer weight, int rows, int dim) {
        ReferenceRows.scatterAdd(f32("out", out, 0), f32("x", x, (long) rows * dim),
                i32("index", index, rows), optional("weight", weight, rows), ONE, rows, dim);
    }

    @Override
    public void embed(Stream s, Buffer out, Buffer table, Buffer ids, float scale, int rows,
            int dim) {
        ReferenceRows.gather(f32("out", out, (long) rows * dim), weights("table", table, 0),
                i32("ids", ids, rows), scale, rows, dim);
    }

    @Override
    public void rmsNorm(Stream s, Buffer out, Buffer x, Buffer weight, float weightOffset,
            float eps, int rows, int dim) {
        long n = (long) rows * dim;
        ReferenceNorm.forward(f32("out", out, n), f32("x", x, n), weights("weight", weight, dim),
                weightOffset, eps, rows, dim);
    }

    @Override
    public void matmul(Stream s, Buffer y, Buffer x, Buffer w, float alpha, float beta, int rows,
            int in, int out) {
        ReferenceMatmul.forward(f32("y", y, (long) rows * out), f32("x", x, (long) rows * in),
                weights("w", w, (long) out * in), alpha, beta, rows, in, out);
    }

    @Override
    public void addBias(Stream s, Buffer x, Buffer bias, int rows, int dim) {
        ReferenceRows.addBias(f32("x", x, (long) rows * dim), weights("bias", bias, dim), rows,
                dim);
    }

    @Override
    public void rope(Stream s, Buffer x, Buffer positions, Buffer inverseFrequencies, float scale,
            boolean inverse, int rows, int heads, int headDim) {
        ReferenceRows.rope(f32("x", x, (long) rows * heads * headDim),
                i32("positions", positions, rows),
                f32("inverseFrequencies", inverseFrequencies, headDim / 2), scale, inverse, rows,
                heads, headDim);
    }

    @Override
    public void storeKv(Stream s, Buffer keyCache, Buffer valueCache, Buffer k, Buffer v,
            Buffer slots, int rows, int kvDim) {
        long n = (long) rows * kvDim;
        ReferenceBuffer index = i32("slots", slots, rows);
        ReferenceRows.scatter(f32("keyCache", keyCache, 0), f32("k", k, n), index, rows, kvDim);
        ReferenceRows.scatter(f32("valueCache", valueCache, 0), f32("v", v, n), index, rows,
                kvDim);
    }

    @Override
    public void attendPaged(Stream s, Buffer out, Buffer q, Buffer keyCache, Buffer valueCache,
            Buffer rowSequences, Buffer rowPositions, Buffer blockTables, AttentionShape shape,
            int rows, int blocksPerSequence, int blockTokens) {
        long n = (long) rows * shape.queryDim();
        ReferenceAttention.paged(f32("out", out, n), f32("q", q, n), f32("keyCache", keyCache, 0),
                f32("valueCache", valueCache, 0), i32("rowSequences", rowSequences, rows),
                i32("rowPositions", rowPositions, rows), i32("blockTables", blockTables, 0), shape,
                rows, blocksPerSequence, blockTokens);
    }

    @Override
    public void attendPacked(Stream s, Buffer out, Buffer logSumExp, Buffer q, Buffer k, Buffer v,
            Buffer spans, Buffer positions, AttentionShape shape, int rows) {
        long n = (long) rows * shape.queryDim();
        long kv = (long) rows * shape.kvDim();
        ReferenceAttention.packed(f32("out", out, n),
                f32("logSumExp", logSumExp, (long) rows * shape.heads()), f32("q", q, n),
                f32("k", k, kv), f32("v", v, kv), i32("spans", spans, rows * 3L),
                i32("positions", positions, rows), shape, rows);
    }

    @Override
    public void gatedActivation(Stream s, Buffer out, Buffer gate, Buffer up,
            Activation activation, long n) {
        ReferenceElements.gatedActivation(f32("out", out, n), f32("gate", gate, n),
                f32("up", up, n), activation, n);
    }

    @Override
    public void softCap(Stream s, Buffer x, float cap, long n) {
        ReferenceElements.softCap(f32("x", x, n), cap, n);
    }

    @Override
    public void routeExperts(Stream s, Buffer expertIds, Buffer expertWeights,
            Buffer routerLogits, boolean normalize, int rows, int experts, int topK) {
        ReferenceSoftmax.routeExperts(i32("expertIds", expertIds, (long) rows * topK),
                f32("expertWeights", expertWeights, (long) rows * topK),
                f32("routerLogits", routerLogits, (long) rows * experts), normalize, rows, experts,
                topK);
    }

    @Override
    public void loraShrink(Stream s, Buffer out, Buffer x, Buffer a, Buffer rowSlots, int rows,
            int in, int rankMax) {
        ReferenceMatmul.loraShrink(f32("out", out, (long) rows * rankMax),
                f32("x", x, (long) rows * in), f32("a", a, 0), i32("rowSlots", rowSlots, rows),
                rows, in, rankMax);
    }

    @Override
    public void loraExpand(Stream s, Buffer y, Buffer shrunk, Buffer b, Buffer scales,
            Buffer rowSlots, int rows, int rankMax, int out) {
        ReferenceMatmul.loraExpand(f32("y", y, (long) rows * out),
                f32("shrunk", shrunk, (long) rows * rankMax), f32("b", b, 0),
                f32("scales", scales, 0), i32("rowSlots", rowSlots, rows), rows, rankMax, out);
    }

    @Override
    public void argMax(Stream s, Buffer ids, Buffer logits, int rows, int vocab) {
        ReferenceSoftmax.argMax(i32("ids", ids, rows), f32("logits", logits, (long) rows * vocab),
                rows, vocab);
    }

    @Override
    public void logProb(Stream s, Buffer out, Buffer logits, Buffer targets, int rows, int vocab) {
        ReferenceSoftmax.logProb(f32("out", out, rows),
                f32("logits", logits, (long) rows * vocab), i32("targets", targets, rows), rows,
                vocab);
    }

    @Override
    public void klDivergence(Stream s, Buffer out, Buffer logits, Buffer reference, int rows,
            int vocab) {
        long n = (long) rows * vocab;
        ReferenceSoftmax.klDivergence(f32("out", out, rows), f32("logits", logits, n),
                f32("reference", reference, n), rows, vocab);
    }

    @Override
    public void matmulGradInput(Stream s, Buffer dx, Buffer dy, Buffer w, float alpha, float beta,
            int rows, int in, int out) {
        ReferenceMatmul.gradInput(f32("dx", dx, (long) rows * in),
                f32("dy", dy, (long) rows * out), weights("w", w, (long) out * in), alpha, beta,
                rows, in, out);
    }

    @Override
    public void matmulGradWeight(Stream s, Buffer dw, Buffer dy, Buffer x, float alpha, float beta,
            int rows, int in, int out) {
        ReferenceMatmul.gradWeight(f32("dw", dw, (long) out * in),
                f32("dy", dy, (long) rows * out), f32("x", x, (long) rows * in), alpha, beta, rows,
                in, out);
    }

    @Override
    public void addBiasBackward(Stream s, Buffer dBias, Buffer dy, int rows, int dim) {
        ReferenceRows.addBiasBackward(f32("dBias", dBias, dim), f32("dy", dy, (long) rows * dim),
                rows, dim);
    }

    @Override
    public void rmsNormBackward(Stream s, Buffer dx, @Nullable Buffer dWeight, Buffer dy, Buffer x,
            Buffer weight, float weightOffset, float eps, int rows, int dim) {
        long n = (long) rows * dim;
        ReferenceNorm.backward(f32("dx", dx, n), optional("dWeight", dWeight, dim),
                f32("dy", dy, n), f32("x", x, n), weights("weight", weight, dim), weightOffset,
                eps, rows, dim);
    }

    @Override
    public void embedBackward(Stream s, Buffer dTable, Buffer dy, Buffer ids, float scale,
            int rows, int dim) {
        ReferenceRows.scatterAdd(f32("dTable", dTable, 0), f32("dy", dy, (long) rows * dim),
                i32("ids", ids, rows), null, scale, rows, dim);
    }

    @Override
    public void attendPackedBackward(Stream s, Buffer dq, Buffer dk, Buffer dv, Buffer dOut,
            Buffer out, Buffer logSumExp, Buffer q, Buffer k, Buffer v, Buffer spans,
            Buffer positions, AttentionShape shape, int rows) {
        long n = (long) rows * shape.queryDim();
        long kv = (long) rows * shape.kvDim();
        ReferenceAttention.packedBackward(f32("dq", dq, n), f32("dk", dk, kv), f32("dv", dv, kv),
                f32("dOut", dOut, n), f32("out", out, n),
                f32("logSumExp", logSumExp, (long) rows * shape.heads()), f32("q", q, n),
                f32("k", k, kv), f32("v", v, kv), i32("spans", spans, rows * 3L),
                i32("positions", positions, rows), shape, rows);
    }

    @Override
    public void gatedActivationBackward(Stream s, Buffer dGate, Buffer dUp, Buffer dOut,
            Buffer gate, Buffer up, Activation activation, long n) {
        ReferenceElements.gatedActivationBackward(f32("dGate", dGate, n), f32("dUp", dUp, n),
                f32("dOut", dOut, n), f32("gate", gate, n), f32("up", up, n), activation, n);
    }

    @Override
    public void softCapBackward(Stream s, Buffer dx, Buffer y, float cap, long n) {
        ReferenceElements.softCapBackward(f32("dx", dx, n), f32("y", y, n), cap, n);
    }

    @Override
    public void logProbBackward(Stream s, Buffer dLogits, Buffer logits, Buffer targets,
            Buffer coefficients, int rows, int vocab) {
        long n = (long) rows * vocab;
        ReferenceSoftmax.logProbBackward(f32("dLogits", dLogits, n), f32("logits", logits, n),
                i32("targets", targets, rows), f32("coefficients", coefficients, rows), rows,
                vocab);
    }

    @Override
    public void klDivergenceBackward(Stream s, Buffer dLogits, Buffer logits, Buffer reference,
            Buffer coefficients, int rows, int vocab) {
        long n = (long) rows * vocab;
        ReferenceSoftmax.klDivergenceBackward(f32("dLogits", dLogits, n), f32("logits", logits, n),
                f32("reference", reference, n), f32("coefficients", coefficients, rows), rows,
                vocab);
    }

    @Override
    public void sumOfSquares(Stream s, Buffer out, Buffer x, long n) {
        f32("out", out, 1).set(0, ReferenceElements.sumOfSquares(f32("x", x, n), n));
    }

    @Override
    public void adamW(Stream s, Buffer theta, Buffer m, Buffer v, Buffer gradient, float gradScale,
            AdamW settings, int step, long n) {
        ReferenceElements.adamW(f32("theta", theta, n), f32("m", m, n), f32("v", v, n),
                f32("gradient", gradient, n), gradScale, settings, step, n);
    }

    @Override
    public void close() {}

    private static ReferenceBuffer f32(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() == DType.F32, "F32");
    }

    private static @Nullable ReferenceBuffer optional(String name, @Nullable Buffer buffer,
            long elements) {
        return buffer == null ? null : f32(name, buffer, elements);
    }

    private static ReferenceBuffer i32(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() == DType.I32, "I32");
    }

    private static ReferenceBuffer weights(String name, Buffer buffer, long elements) {
        return typed(name, buffer, elements, buffer.dtype() != DType.I32,
                "F32, BF16, F16, Q8 or Q4");
    }

    private static ReferenceBuffer typed(String name, Buffer buffer, long elements, boolean fits,
            String allowed) {
        if (!fits) {
            throw new IllegalArgumentException(
                    name + " holds " + buffer.dtype() + ", allowed is " + allowed);
        }
        return any(name, buffer, elements);
    }

    private static ReferenceBuffer any(String name, Buffer buffer, long elements) {
        if (!(buffer instanceof ReferenceBuffer own)) {
            throw new IllegalArgumentException(
                    name + " belongs to another backend; allocate it with this one");
        }
        if (own.closed()) {
            throw new IllegalStateException(name + " is closed");
        }
        if (own.elements() < elements) {
            throw new IllegalArgumentException(
                    name + " holds " + own.elements() + " elements, the call needs " + elements);
        }
        return own;
    }
}
