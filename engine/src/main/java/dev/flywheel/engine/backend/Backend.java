package dev.flywheel.engine.backend;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The closed list of what a device can do.
 *
 * <p>Model families are written once over this list, and a device is supported once it implements
 * the list: M families and N devices cost M + N. Every call is queued on a stream and may return
 * before it is done; buffers live on the device; no array of the host appears in a signature. All
 * matrices are row-major. Activations, gradients and logits are F32; {@code weights} may be F32,
 * BF16, F16, Q8 or Q4 and are widened to the same floats everywhere, sums are F32 or wider. Unless it says so, no output may
 * overlap an input. Where {@code beta} is 0 the output is written without being read. A call with
 * the same inputs gives the same bits each time, whatever the number of threads, and a row's result
 * does not depend on the other rows of the call (P12).
 *
 * <p>Thread-safe: several threads may queue on their own streams.
 */
public interface Backend extends AutoCloseable {

    /** Returns the name by which it is configured: {@code reference}, {@code cpu}, {@code cuda}. */
    String name();

    /** Returns what results are bound to, bit for bit: name, instruction set and kernel version. */
    String fingerprint();

    /**
     * Makes the first real calls as fast as later ones, where a backend needs that: may take seconds
     * of one core. Call it while other things start.
     */
    default void warmUp() {}

    /** Allocates zeroed memory. The caller closes it. */
    Buffer allocate(DType dtype, long elements);

    /**
     * Makes host memory readable to kernels: a CPU uses it in place, other devices copy it.
     *
     * @param host little-endian elements; must outlive the buffer and stay as they are, because a
     *     backend may keep them in another layout
     */
    Buffer wrap(DType dtype, MemorySegment host);

    /** Opens a stream. The caller closes it. */
    Stream stream(Stream.Priority priority);

    /** Copies host memory to the device; {@code host} may be reused once the call returns. */
    void upload(Stream s, MemorySegment host, Buffer to);

    /**
     * Tells that what a buffer holds is read many times before it is written again, and is written by {@link #upload} alone: a backend
     * may keep another form of it beside it. Ends with the next upload into any part of it.
     */
    default void settle(Buffer buffer) {}

    /** Copies device memory to the host and waits for it. */
    void download(Stream s, Buffer from, MemorySegment host);

    // Moving

    /** to = from, same type; n elements. */
    void copy(Stream s, Buffer to, Buffer from, long n);

    /** x = value; F32; n elements. */
    void fill(Stream s, Buffer x, float value, long n);

    /** out = out + alpha * x; F32; n elements. */
    void add(Stream s, Buffer out, Buffer x, float alpha, long n);

    /** out[i] = x[index[i]]; x, out [*, dim] F32; index [rows] I32. */
    void gatherRows(Stream s, Buffer out, Buffer x, Buffer index, int rows, int dim);

    /**
     * out[index[i]] += weight[i] * x[i]; F32; rows that share an index are added in row order.
     *
     * @param weight [rows] F32, or null for 1
     */
    void scatterAddRows(
            Stream s, Buffer out, Buffer x, Buffer index, @Nullable Buffer weight, int rows,
            int dim);

    // Forward

    /** out[i] = scale * table[ids[i]]; table [vocab, dim] weights; out [rows, dim]; ids [rows] I32. */
    void embed(Stream s, Buffer out, Buffer table, Buffer ids, float scale, int rows, int dim);

    /**
     * out = x / sqrt(mean(x^2) + eps) * (weight + weightOffset), row by row; out may be x.
     *
     * <p>Zhang and Sennrich, arXiv:1910.07467. weight [dim] weights. weightOffset is 0, or 1 for the
     * families that store the difference from one. For norms over heads pass rows * heads and headDim.
     */
    void rmsNorm(
            Stream s,
            Buffer out,
            Buffer x,
            Buffer weight,
            float weightOffset,
            float eps,
            int rows,
            int dim);

    /** y = alpha * x * transpose(w) + beta * y; x [rows, in], w [out, in] weights, y [rows, out]. */
    void matmul(
            Stream s,
            Buffer y,
            Buffer x,
            Buffer w,
            float alpha,
            float beta,
            int rows,
            int in,
            int out);

    /** x[i] += bias, row by row; bias [dim] weights. */
    void addBias(Stream s, Buffer x, Buffer bias, int rows, int dim);

    /**
     * Rotates halves: for i in [0, headDim/2) the pair (x[i], x[i + headDim/2]) turns by
     * position * inverseFrequency[i], times {@code scale}; in place. Su et al., arXiv:2104.09864.
     *
     * @param positions [rows] I32
     * @param inverseFrequencies [headDim / 2] F32
     * @param inverse turns back (the gradient of the rotation)
     */
    void rope(
            Stream s,
            Buffer x,
            Buffer positions,
            Buffer inverseFrequencies,
            float scale,
            boolean inverse,
            int rows,
            int heads,
            int headDim);

    /**
     * Writes keys and values of new tokens: cache[slots[i]] = row i; caches [tokens, kvDim] F32,
     * slots [rows] I32 = block * blockTokens + offset.
     */
    void storeKv(
            Stream s, Buffer keyCache, Buffer valueCache, Buffer k, Buffer v, Buffer slots,
            int rows, int kvDim);

    /**
     * Attention of new rows over the paged cache, which holds their own keys already. Row i of
     * sequence rowSequences[i] at position rowPositions[i] sees positions 0 to its own; position p of
     * a sequence lies in block blockTables[sequence * blocksPerSequence + p / blockTokens].
     *
     * @param out [rows, queryDim]
     * @param q [rows, queryDim]
     * @param rowSequences [rows] I32
     * @param rowPositions [rows] I32
     * @param blockTables [sequences, blocksPerSequence] I32
     */
    void attendPaged(
            Stream s,
            Buffer out,
            Buffer q,
            Buffer keyCache,
            Buffer valueCache,
            Buffer rowSequences,
            Buffer rowPositions,
            Buffer blockTables,
            AttentionShape shape,
            int rows,
            int blocksPerSequence,
            int blockTokens);

    /**
     * Attention inside a packed training batch whose segments may share a prefix: row i sees the rows
     * [prefixStart, prefixEnd) of its segment's parent and [ownStart, i] of its own segment.
     *
     * @param out [rows, queryDim]
     * @param logSumExp [rows, heads], written; the backward call needs it
     * @param spans [rows, 3] I32: prefixStart, prefixEnd, ownStart
     * @param positions [rows] I32; only for {@code shape.window}
     */
    void attendPacked(
            Stream s,
            Buffer out,
            Buffer logSumExp,
            Buffer q,
            Buffer k,
            Buffer v,
            Buffer spans,
            Buffer positions,
            AttentionShape shape,
            int rows);

    /** out = activation(gate) * up; n elements; out may be gate. */
    void gatedActivation(Stream s, Buffer out, Buffer gate, Buffer up, Activation activation,
            long n);

    /** x = cap * tanh(x / cap); in place. */
    void softCap(Stream s, Buffer x, float cap, long n);

    /**
     * Chooses experts: the topK largest softmax probabilities of each row, ties to the lower index.
     *
     * @param expertIds [rows, topK] I32, written
     * @param expertWeights [rows, topK] F32, written
     * @param normalize whether the chosen weights are scaled to sum to one
     */
    void routeExperts(
            Stream s,
            Buffer expertIds,
            Buffer expertWeights,
            Buffer routerLogits,
            boolean normalize,
            int rows,
            int experts,
            int topK);

    /**
     * Adapter of each row, first half: out[i] = a[slot] * x[i]; rows with slot -1 get zeros.
     * Hu et al., arXiv:2106.09685; many adapters at once as in Punica, arXiv:2310.18547.
     *
     * @param out [rows, rankMax]
     * @param a [slots, rankMax, in] F32, unused ranks zero
     * @param rowSlots [rows] I32
     */
    void loraShrink(
            Stream s, Buffer out, Buffer x, Buffer a, Buffer rowSlots, int rows, int in,
            int rankMax);

    /**
     * Adapter of each row, second half: y[i] += scales[slot] * b[slot] * shrunk[i]; rows with slot -1
     * stay as they are, bit for bit.
     *
     * @param b [slots, out, rankMax] F32
     * @param scales [slots] F32
     */
    void loraExpand(
            Stream s,
            Buffer y,
            Buffer shrunk,
            Buffer b,
            Buffer scales,
            Buffer rowSlots,
            int rows,
            int rankMax,
            int out);

    /** ids[i] = index of the largest logit of row i, ties to the lower; logits [rows, vocab]. */
    void argMax(Stream s, Buffer ids, Buffer logits, int rows, int vocab);

    /** out[i] = natural log softmax(logits[i])[targets[i]]; out [rows] F32, targets [rows] I32. */
    void logProb(Stream s, Buffer out, Buffer logits, Buffer targets, int rows, int vocab);

    /** out[i] = KL(softmax(reference[i]) || softmax(logits[i])) in nats. */
    void klDivergence(Stream s, Buffer out, Buffer logits, Buffer reference, int rows, int vocab);

    // Backward. Each adds to its gradient outputs unless it has a beta.

    /** dx = alpha * dy * w + beta * dx; dy [rows, out], w [out, in] weights, dx [rows, in]. */
    void matmulGradInput(
            Stream s,
            Buffer dx,
            Buffer dy,
            Buffer w,
            float alpha,
            float beta,
            int rows,
            int in,
            int out);

    /** dw = alpha * transpose(dy) * x + beta * dw; dw [out, in] F32. */
    void matmulGradWeight(
            Stream s,
            Buffer dw,
            Buffer dy,
            Buffer x,
            float alpha,
            float beta,
            int rows,
            int in,
            int out);

    /** dBias += column sums of dy [rows, dim]. */
    void addBiasBackward(Stream s, Buffer dBias, Buffer dy, int rows, int dim);

    /** dx += gradient through {@link #rmsNorm}; dWeight [dim] F32 or null when the weight is frozen. */
    void rmsNormBackward(
            Stream s,
            Buffer dx,
            @Nullable Buffer dWeight,
            Buffer dy,
            Buffer x,
            Buffer weight,
            float weightOffset,
            float eps,
            int rows,
            int dim);

    /** dTable[ids[i]] += scale * dy[i], in row order; dTable [vocab, dim] F32. */
    void embedBackward(Stream s, Buffer dTable, Buffer dy, Buffer ids, float scale, int rows,
            int dim);

    /** dq, dk, dv += gradients through {@link #attendPacked}. */
    void attendPackedBackward(
            Stream s,
            Buffer dq,
            Buffer dk,
            Buffer dv,
            Buffer dOut,
            Buffer out,
            Buffer logSumExp,
            Buffer q,
            Buffer k,
            Buffer v,
            Buffer spans,
            Buffer positions,
            AttentionShape shape,
            int rows);

    /** dGate, dUp = gradients through {@link #gatedActivation} (written, not added); n elements. */
    void gatedActivationBackward(
            Stream s,
            Buffer dGate,
            Buffer dUp,
            Buffer dOut,
            Buffer gate,
            Buffer up,
            Activation activation,
            long n);

    /** dx = dx * (1 - (y / cap)^2), where y = softCap(x); in place. */
    void softCapBackward(Stream s, Buffer dx, Buffer y, float cap, long n);

    /** dLogits[i] += coefficients[i] * (onehot(targets[i]) - softmax(logits[i])). */
    void logProbBackward(
            Stream s,
            Buffer dLogits,
            Buffer logits,
            Buffer targets,
            Buffer coefficients,
            int rows,
            int vocab);

    /** dLogits[i] += coefficients[i] * (softmax(logits[i]) - softmax(reference[i])). */
    void klDivergenceBackward(
            Stream s,
            Buffer dLogits,
            Buffer logits,
            Buffer reference,
            Buffer coefficients,
            int rows,
            int vocab);

    // Optimizer

    /** out[0] = sum of x[i]^2, summed in double, rounded to F32; NaN or infinite if any x is. */
    void sumOfSquares(Stream s, Buffer out, Buffer x, long n);

    /**
     * One AdamW step with decoupled weight decay, g = gradScale * gradient. Loshchilov and Hutter,
     * arXiv:1711.05101: theta -= lr * decay * theta; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
     * theta -= lr * (m / (1 - b1^step)) / (sqrt(v / (1 - b2^step)) + eps).
     *
     * @param step from 1
     */
    void adamW(
            Stream s,
            Buffer theta,
            Buffer m,
            Buffer v,
            Buffer gradient,
            float gradScale,
            AdamW settings,
            int step,
            long n);

    /** Settings of one AdamW step. */
    record AdamW(float learningRate, float beta1, float beta2, float epsilon, float weightDecay) {}

    @Override
    void close();
}
