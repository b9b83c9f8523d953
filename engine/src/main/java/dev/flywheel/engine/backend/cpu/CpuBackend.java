package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Checks.any;
import static dev.flywheel.engine.backend.cpu.Checks.i32;
import static dev.flywheel.engine.backend.cpu.Checks.in;
import static dev.flywheel.engine.backend.cpu.Checks.optionalIn;
import static dev.flywheel.engine.backend.cpu.Checks.optionalOut;
import static dev.flywheel.engine.backend.cpu.Checks.out;
import static dev.flywheel.engine.backend.cpu.Checks.weights;
import static dev.flywheel.engine.backend.cpu.Checks.writable;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.AttentionShape;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.backend.cpu.Workspace.Purpose;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The backend for CPUs: admits the arguments of each call and hands arrays to the kernels.
 *
 * <p>Calls run before they return, on the caller's thread and at most {@code threads - 1} helpers
 * that all streams share. Frozen matrices are kept packed while they fit {@code panelBytesMax};
 * beyond it they are packed in every call, with the same bits.
 */
public final class CpuBackend implements Backend {
    /** Changes whenever a kernel gives other bits: replays are bound to it. */
    private static final int KERNEL_VERSION = 2;

    private static final int ELEMENTS_PER_THREAD_MIN = 1 << 15;

    private final Workers workers;
    private final PanelBudget budget;
    private final CpuMatmul matmul;
    private final CpuRope rope = new CpuRope();

    /**
     * @param threads threads that one call may use, at least 1
     * @param panelBytesMax bytes of packed frozen weights to keep
     */
    public CpuBackend(int threads, long panelBytesMax) {
        this.workers = new Workers(threads);
        this.budget = new PanelBudget(panelBytesMax);
        this.matmul = new CpuMatmul(workers, budget);
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String fingerprint() {
        String lanes = switch (Microkernels.W) {
            case 16 -> "avx512";
            case 8 -> "avx2";
            default -> System.getProperty("os.arch") + "-" + Microkernels.W * 32;
        };
        return "cpu/" + lanes + "/" + KERNEL_VERSION;
    }

    @Override
    public void warmUp() {
        WarmUp.run(this);
    }

    @Override
    public Buffer allocate(DType dtype, long elements) {
        return CpuBuffer.allocate(dtype, elements, budget);
    }

    @Override
    public Buffer wrap(DType dtype, MemorySegment host) {
        return CpuBuffer.wrap(dtype, host, budget);
    }

    @Override
    public Stream stream(Stream.Priority priority) {
        return new CpuStream(priority, workers.threads());
    }

    @Override
    public void upload(Stream s, MemorySegment host, Buffer to) {
        CpuBuffer target = writable("to", any("to", to, to.dtype().elements(host.byteSize())));
        target.copyFrom(host);
    }

    @Override
    public void settle(Buffer buffer) {
        any("buffer", buffer, 0).settle();
    }

    @Override
    public void download(Stream s, Buffer from, MemorySegment host) {
        CpuBuffer source = any("from", from, from.dtype().elements(host.byteSize()));
        source.copyTo(host);
    }

    @Override
    public void copy(Stream s, Buffer to, Buffer from, long n) {
        if (to.dtype() != from.dtype()) {
            throw new IllegalArgumentException(
                    "to holds " + to.dtype() + ", from " + from.dtype() + "; types must agree");
        }
        writable("to", any("to", to, n))
                .copyFrom(any("from", from, n).memory().asSlice(0, to.dtype().bytes(n)));
    }

    @Override
    public void fill(Stream s, Buffer x, float value, long n) {
        CpuBuffer target = out("x", x, n);
        Arrays.fill(target.floats(), target.base(), target.base() + (int) n, value);
    }

    @Override
    public void add(Stream s, Buffer out, Buffer x, float alpha, long n) {
        CpuBuffer to = out("out", out, n);
        CpuBuffer from = in("x", x, n);
        CpuElements.add(to.floats(), to.base(), from.floats(), from.base(), alpha, (int) n);
    }

    @Override
    public void gatherRows(Stream s, Buffer out, Buffer x, Buffer index, int rows, int dim) {
        CpuRows.gather(out("out", out, (long) rows * dim), in("x", x, 0),
                i32("index", index, rows), 1, rows, dim);
    }

    @Override
    public void scatterAddRows(Stream s, Buffer out, Buffer x, Buffer index,
            @Nullable Buffer weight, int rows, int dim) {
        CpuRows.scatterAdd(out("out", out, 0), in("x", x, (long) rows * dim),
                i32("index", index, rows), optionalIn("weight", weight, rows), 1, rows, dim);
    }

    @Override
    public void embed(Stream s, Buffer out, Buffer table, Buffer ids, float scale, int rows,
            int dim) {
        CpuRows.gather(out("out", out, (long) rows * dim), weights("table", table, 0),
                i32("ids", ids, rows), scale, rows, dim);
    }

    @Override
    public void rmsNorm(Stream s, Buffer out, Buffer x, Buffer weight, float weightOffset,
            float eps, int rows, int dim) {
        CpuBuffer to = out("out", out, (long) rows * dim);
        CpuBuffer from = in("x", x, (long) rows * dim);
        float[] factors = widened(s, weights("weight", weight, dim), dim, weightOffset);
        workers.split(own(s), rows, ELEMENTS_PER_THREAD_MIN / dim,
                (first, last, workspace) -> CpuNorm.forward(to.floats(), to.base(), from.floats(),
                        from.base(), factors, eps, first, last, dim, workspace.lanes));
    }

    @Override
    public void matmul(Stream s, Buffer y, Buffer x, Buffer w, float alpha, float beta, int rows,
            int in, int out) {
        matmul.product(own(s), out("y", y, (long) rows * out),
                new Operand(in("x", x, (long) rows * in), rows, in, true),
                new Operand(weights("w", w, (long) out * in), out, in, true), alpha, beta);
    }

    @Override
    public void addBias(Stream s, Buffer x, Buffer bias, int rows, int dim) {
        CpuBuffer to = out("x", x, (long) rows * dim);
        CpuRows.addBias(to.floats(), to.base(), widened(s, weights("bias", bias, dim), dim, 0),
                rows, dim);
    }

    @Override
    public void rope(Stream s, Buffer x, Buffer positions, Buffer inverseFrequencies, float scale,
            boolean inverse, int rows, int heads, int headDim) {
        rope.rotate(out("x", x, (long) rows * heads * headDim), i32("positions", positions, rows),
                in("inverseFrequencies", inverseFrequencies, headDim / 2), scale, inverse, rows,
                heads, headDim);
    }

    @Override
    public void storeKv(Stream s, Buffer keyCache, Buffer valueCache, Buffer k, Buffer v,
            Buffer slots, int rows, int kvDim) {
        long n = (long) rows * kvDim;
        CpuBuffer index = i32("slots", slots, rows);
        CpuRows.scatter(out("keyCache", keyCache, 0), in("k", k, n), index, rows, kvDim);
        CpuRows.scatter(out("valueCache", valueCache, 0), in("v", v, n), index, rows, kvDim);
    }

    @Override
    public void attendPaged(Stream s, Buffer out, Buffer q, Buffer keyCache, Buffer valueCache,
            Buffer rowSequences, Buffer rowPositions, Buffer blockTables, AttentionShape shape,
            int rows, int blocksPerSequence, int blockTokens) {
        long n = (long) rows * shape.queryDim();
        List<AttentionRun> runs = AttentionRun.paged(i32("rowSequences", rowSequences, rows),
                i32("rowPositions", rowPositions, rows), i32("blockTables", blockTables, 0), shape,
                rows, blocksPerSequence, blockTokens);
        CpuAttention.Call call = new CpuAttention.Call(out("out", out, n), null, in("q", q, n),
                in("keyCache", keyCache, 0), in("valueCache", valueCache, 0), shape);
        CpuAttention.forward(workers, own(s), call, runs);
    }

    @Override
    public void attendPacked(Stream s, Buffer out, Buffer logSumExp, Buffer q, Buffer k, Buffer v,
            Buffer spans, Buffer positions, AttentionShape shape, int rows) {
        CpuBuffer to = out("out", out, (long) rows * shape.queryDim());
        CpuBuffer lse = out("logSumExp", logSumExp, (long) rows * shape.heads());
        CpuAttention.forward(workers, own(s), attention(to, lse, q, k, v, shape, rows),
                runs(spans, positions, shape, rows));
    }

    @Override
    public void gatedActivation(Stream s, Buffer out, Buffer gate, Buffer up,
            Activation activation, long n) {
        CpuBuffer o = out("out", out, n);
        CpuBuffer g = in("gate", gate, n);
        CpuBuffer u = in("up", up, n);
        workers.split(own(s), (int) n, ELEMENTS_PER_THREAD_MIN,
                (from, to, workspace) -> CpuElements.gatedActivation(o.floats(), o.base(),
                        g.floats(), g.base(), u.floats(), u.base(), activation, from, to));
    }

    @Override
    public void softCap(Stream s, Buffer x, float cap, long n) {
        CpuBuffer buffer = out("x", x, n);
        workers.split(own(s), (int) n, ELEMENTS_PER_THREAD_MIN, (from, to,
                workspace) -> CpuElements.softCap(buffer.floats(), buffer.base(), cap, from, to));
    }

    @Override
    public void routeExperts(Stream s, Buffer expertIds, Buffer expertWeights,
            Buffer routerLogits, boolean normalize, int rows, int experts, int topK) {
        CpuBuffer ids = writable("expertIds", i32("expertIds", expertIds, (long) rows * topK));
        CpuBuffer chosen = out("expertWeights", expertWeights, (long) rows * topK);
        CpuBuffer logits = in("routerLogits", routerLogits, (long) rows * experts);
        float[] scratch = own(s).workspace(0).lanes;
        for (int r = 0; r < rows; r++) {
            CpuSoftmax.routeExperts(ids.ints(), ids.base() + r * topK, chosen.floats(),
                    chosen.base() + r * topK, logits.floats(), logits.base() + r * experts,
                    normalize, experts, topK, scratch);
        }
    }

    @Override
    public void loraShrink(Stream s, Buffer out, Buffer x, Buffer a, Buffer rowSlots, int rows,
            int in, int rankMax) {
        CpuBuffer slots = i32("rowSlots", rowSlots, rows);
        matmul.loraShrink(own(s), out("out", out, (long) rows * rankMax),
                in("x", x, (long) rows * in), in("a", a, 0), slots.ints(), slots.base(), rows, in,
                rankMax);
    }

    @Override
    public void loraExpand(Stream s, Buffer y, Buffer shrunk, Buffer b, Buffer scales,
            Buffer rowSlots, int rows, int rankMax, int out) {
        CpuBuffer slots = i32("rowSlots", rowSlots, rows);
        matmul.loraExpand(own(s), out("y", y, (long) rows * out),
                in("shrunk", shrunk, (long) rows * rankMax), in("b", b, 0),
                in("scales", scales, 0), slots.ints(), slots.base(), rows, rankMax, out);
    }

    @Override
    public void argMax(Stream s, Buffer ids, Buffer logits, int rows, int vocab) {
        CpuBuffer to = writable("ids", i32("ids", ids, rows));
        CpuBuffer from = in("logits", logits, (long) rows * vocab);
        for (int r = 0; r < rows; r++) {
            to.ints()[to.base() + r] = CpuSoftmax.argMax(from.floats(), from.base() + r * vocab,
                    vocab);
        }
    }

    @Override
    public void logProb(Stream s, Buffer out, Buffer logits, Buffer targets, int rows, int vocab) {
        CpuBuffer to = out("out", out, rows);
        CpuBuffer from = in("logits", logits, (long) rows * vocab);
        CpuBuffer ids = i32("targets", targets, rows);
        workers.split(own(s), rows, ELEMENTS_PER_THREAD_MIN / vocab, (first, last, workspace) -> {
            for (int r = first; r < last; r++) {
                int at = from.base() + r * vocab;
                int target = Objects.checkIndex(ids.ints()[ids.base() + r], vocab);
                double sum = CpuSoftmax.logSumExp(from.floats(), at, vocab, workspace.lanes);
                to.floats()[to.base() + r] = (float) (from.floats()[at + target] - sum);
            }
        });
    }

    @Override
    public void klDivergence(Stream s, Buffer out, Buffer logits, Buffer reference, int rows,
            int vocab) {
        CpuBuffer to = out("out", out, rows);
        CpuBuffer from = in("logits", logits, (long) rows * vocab);
        CpuBuffer ref = in("reference", reference, (long) rows * vocab);
        workers.split(own(s), rows, ELEMENTS_PER_THREAD_MIN / vocab, (first, last, workspace) -> {
            for (int r = first; r < last; r++) {
                to.floats()[to.base() + r] = CpuSoftmax.klDivergence(from.floats(),
                        from.base() + r * vocab, ref.floats(), ref.base() + r * vocab, vocab,
                        workspace.lanes);
            }
        });
    }

    @Override
    public void matmulGradInput(Stream s, Buffer dx, Buffer dy, Buffer w, float alpha, float beta,
            int rows, int in, int out) {
        matmul.product(own(s), out("dx", dx, (long) rows * in),
                new Operand(in("dy", dy, (long) rows * out), rows, out, true),
                new Operand(weights("w", w, (long) out * in), in, out, false), alpha, beta);
    }

    @Override
    public void matmulGradWeight(Stream s, Buffer dw, Buffer dy, Buffer x, float alpha, float beta,
            int rows, int in, int out) {
        matmul.product(own(s), out("dw", dw, (long) out * in),
                new Operand(in("dy", dy, (long) rows * out), out, rows, false),
                new Operand(in("x", x, (long) rows * in), in, rows, false), alpha, beta);
    }

    @Override
    public void addBiasBackward(Stream s, Buffer dBias, Buffer dy, int rows, int dim) {
        CpuBuffer to = out("dBias", dBias, dim);
        CpuBuffer from = in("dy", dy, (long) rows * dim);
        CpuRows.addBiasBackward(to.floats(), to.base(), from.floats(), from.base(), rows, dim);
    }

    @Override
    public void rmsNormBackward(Stream s, Buffer dx, @Nullable Buffer dWeight, Buffer dy, Buffer x,
            Buffer weight, float weightOffset, float eps, int rows, int dim) {
        CpuBuffer to = out("dx", dx, (long) rows * dim);
        CpuBuffer toWeight = optionalOut("dWeight", dWeight, dim);
        CpuBuffer gradient = in("dy", dy, (long) rows * dim);
        CpuBuffer from = in("x", x, (long) rows * dim);
        CpuNorm.backward(to.floats(), to.base(), toWeight == null ? null : toWeight.floats(),
                toWeight == null ? 0 : toWeight.base(), gradient.floats(), gradient.base(),
                from.floats(), from.base(),
                widened(s, weights("weight", weight, dim), dim, weightOffset), eps, rows, dim,
                own(s).workspace(0).lanes);
    }

    @Override
    public void embedBackward(Stream s, Buffer dTable, Buffer dy, Buffer ids, float scale,
            int rows, int dim) {
        CpuRows.scatterAdd(out("dTable", dTable, 0), in("dy", dy, (long) rows * dim),
                i32("ids", ids, rows), null, scale, rows, dim);
    }

    @Override
    public void attendPackedBackward(Stream s, Buffer dq, Buffer dk, Buffer dv, Buffer dOut,
            Buffer out, Buffer logSumExp, Buffer q, Buffer k, Buffer v, Buffer spans,
            Buffer positions, AttentionShape shape, int rows) {
        long n = (long) rows * shape.queryDim();
        long kv = (long) rows * shape.kvDim();
        CpuAttention.Call call = attention(in("out", out, n),
                in("logSumExp", logSumExp, (long) rows * shape.heads()), q, k, v, shape, rows);
        CpuAttentionGradient.Gradients gradients = new CpuAttentionGradient.Gradients(
                out("dq", dq, n), out("dk", dk, kv), out("dv", dv, kv), in("dOut", dOut, n));
        CpuAttentionGradient.backward(workers, own(s), call, gradients,
                runs(spans, positions, shape, rows));
    }

    @Override
    public void gatedActivationBackward(Stream s, Buffer dGate, Buffer dUp, Buffer dOut,
            Buffer gate, Buffer up, Activation activation, long n) {
        CpuBuffer dg = out("dGate", dGate, n);
        CpuBuffer du = out("dUp", dUp, n);
        CpuBuffer dy = in("dOut", dOut, n);
        CpuBuffer g = in("gate", gate, n);
        CpuBuffer u = in("up", up, n);
        workers.split(own(s), (int) n, ELEMENTS_PER_THREAD_MIN,
                (from, to, workspace) -> CpuElements.gatedActivationBackward(dg.floats(),
                        dg.base(), du.floats(), du.base(), dy.floats(), dy.base(), g.floats(),
                        g.base(), u.floats(), u.base(), activation, from, to));
    }

    @Override
    public void softCapBackward(Stream s, Buffer dx, Buffer y, float cap, long n) {
        CpuBuffer to = out("dx", dx, n);
        CpuBuffer from = in("y", y, n);
        CpuElements.softCapBackward(to.floats(), to.base(), from.floats(), from.base(), cap, 0,
                (int) n);
    }

    @Override
    public void logProbBackward(Stream s, Buffer dLogits, Buffer logits, Buffer targets,
            Buffer coefficients, int rows, int vocab) {
        CpuBuffer to = out("dLogits", dLogits, (long) rows * vocab);
        CpuBuffer from = in("logits", logits, (long) rows * vocab);
        CpuBuffer ids = i32("targets", targets, rows);
        CpuBuffer factors = in("coefficients", coefficients, rows);
        workers.split(own(s), rows, ELEMENTS_PER_THREAD_MIN / vocab, (first, last, workspace) -> {
            for (int r = first; r < last; r++) {
                float c = factors.floats()[factors.base() + r];
                int target = Objects.checkIndex(ids.ints()[ids.base() + r], vocab);
                CpuSoftmax.logProbBackward(to.floats(), to.base() + r * vocab, from.floats(),
                        from.base() + r * vocab, target, c, vocab, workspace.lanes);
            }
        });
    }

    @Override
    public void klDivergenceBackward(Stream s, Buffer dLogits, Buffer logits, Buffer reference,
            Buffer coefficients, int rows, int vocab) {
        CpuBuffer to = out("dLogits", dLogits, (long) rows * vocab);
        CpuBuffer from = in("logits", logits, (long) rows * vocab);
        CpuBuffer ref = in("reference", reference, (long) rows * vocab);
        CpuBuffer factors = in("coefficients", coefficients, rows);
        workers.split(own(s), rows, ELEMENTS_PER_THREAD_MIN / vocab, (first, last, workspace) -> {
            for (int r = first; r < last; r++) {
                CpuSoftmax.klBackward(to.floats(), to.base() + r * vocab, from.floats(),
                        from.base() + r * vocab, ref.floats(), ref.base() + r * vocab,
                        factors.floats()[factors.base() + r], vocab, workspace.lanes);
            }
        });
    }

    @Override
    public void sumOfSquares(Stream s, Buffer out, Buffer x, long n) {
        CpuBuffer to = out("out", out, 1);
        CpuBuffer from = in("x", x, n);
        to.floats()[to.base()] = (float) CpuElements.sumOfSquares(from.floats(), from.base(),
                (int) n);
    }

    @Override
    public void adamW(Stream s, Buffer theta, Buffer m, Buffer v, Buffer gradient, float gradScale,
            AdamW settings, int step, long n) {
        CpuBuffer weights = out("theta", theta, n);
        CpuBuffer first = out("m", m, n);
        CpuBuffer second = out("v", v, n);
        CpuBuffer g = in("gradient", gradient, n);
        workers.split(own(s), (int) n, ELEMENTS_PER_THREAD_MIN,
                (from, to, workspace) -> CpuElements.adamW(weights.floats(), weights.base(),
                        first.floats(), first.base(), second.floats(), second.base(), g.floats(),
                        g.base(), gradScale, settings, step, from, to));
    }

    @Override
    public void close() {
        workers.close();
    }

    private static CpuAttention.Call attention(CpuBuffer out, CpuBuffer lse, Buffer q, Buffer k,
            Buffer v, AttentionShape shape, int rows) {
        long kv = (long) rows * shape.kvDim();
        return new CpuAttention.Call(out, lse, in("q", q, (long) rows * shape.queryDim()),
                in("k", k, kv), in("v", v, kv), shape);
    }

    private static List<AttentionRun> runs(Buffer spans, Buffer positions, AttentionShape shape,
            int rows) {
        return AttentionRun.packed(i32("spans", spans, rows * 3L),
                i32("positions", positions, rows), shape, rows);
    }

    /** Returns n weights, each with the offset added, in scratch memory. */
    private static float[] widened(Stream s, CpuBuffer weights, int n, float offset) {
        float[] wide = own(s).workspace(0).floats(Purpose.WEIGHT, n);
        Widening.read(weights, 0, wide, 0, n);
        for (int i = 0; offset != 0 && i < n; i++) {
            wide[i] += offset;
        }
        return wide;
    }

    private static CpuStream own(Stream s) {
        if (s instanceof CpuStream stream) {
            return stream;
        }
        throw new IllegalArgumentException(
                "stream belongs to another backend; open it with this one");
    }
}
