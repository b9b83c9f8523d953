package dev.flywheel.engine.forward;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.model.BaseModel;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model with one adapter answers to fixed sequences of tokens: proof that two nodes compute
 * the same function (P11).
 *
 * <p>The sequences follow from the vocabulary size alone. Both the trainer and every serving node
 * compute the rows with the forward pass over a staged adapter, so on one backend fingerprint they
 * agree bit for bit; on another they need not.
 *
 * @param rows next-token scores after each sequence, [sequences, vocab]; not copied
 */
public record ProbeFingerprint(List<float[]> rows) {
    /** How many sequences are probed. */
    public static final int SEQUENCES = 4;

    private static final int TOKENS = 12;

    /** Returns the free cache blocks that taking a probe needs. */
    public static int blocks(int blockTokens) {
        return SEQUENCES * Math.ceilDiv(TOKENS, blockTokens);
    }

    /**
     * Computes the rows; holds cache blocks only meanwhile.
     *
     * @param adapterSlot a staged slot, or -1 for the bare base model
     */
    public static ProbeFingerprint take(
            BaseModel model, ForwardPass pass, KvCache cache, int adapterSlot) {
        List<KvSequence> open = new ArrayList<>(SEQUENCES);
        try {
            List<Chunk> chunks = new ArrayList<>(SEQUENCES);
            for (int i = 0; i < SEQUENCES; i++) {
                open.add(cache.open());
                chunks.add(new Chunk(open.get(i), tokens(model, i), adapterSlot, Wanted.LAST));
            }
            Logits logits = pass.run(chunks);
            List<float[]> rows = new ArrayList<>(SEQUENCES);
            for (int i = 0; i < SEQUENCES; i++) {
                rows.add(logits.copyRow(logits.firstRow(i)));
            }
            return new ProbeFingerprint(List.copyOf(rows));
        } finally {
            open.forEach(KvSequence::close);
        }
    }

    /** Returns the SHA-256 over the bits of all rows. */
    public Digest digest() {
        Digest.Stream digest = Digest.stream();
        for (float[] row : rows) {
            ByteBuffer bits = ByteBuffer.allocate(row.length * Float.BYTES);
            for (float score : row) {
                bits.putInt(Float.floatToIntBits(score));
            }
            digest.update(bits.flip());
        }
        return digest.finish();
    }

    /** Returns whether no score is NaN or infinite. */
    public boolean finite() {
        for (float[] row : rows) {
            for (float score : row) {
                if (!Float.isFinite(score)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Returns the largest difference between two probes' scores of one token. */
    public double largestChange(ProbeFingerprint other) {
        double largest = 0;
        for (int i = 0; i < rows.size(); i++) {
            for (int token = 0; token < rows.get(i).length; token++) {
                double change = Math.abs((double) rows.get(i)[token] - other.rows.get(i)[token]);
                largest = Math.max(largest, change);
            }
        }
        return largest;
    }

    private static int[] tokens(BaseModel model, int sequence) {
        int[] tokens = new int[Math.min(TOKENS, model.spec().positionsMax())];
        for (int i = 0; i < tokens.length; i++) {
            // Weyl steps of the golden ratio spread over the vocabulary; the constants are arbitrary but final.
            long mixed = (sequence * 31L + i + 1) * 0x9E3779B97F4A7C15L;
            tokens[i] = (int) Long.remainderUnsigned(mixed >>> 16, model.spec().vocabSize());
        }
        return tokens;
    }
}
