package dev.flywheel.engine.forward;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a few fixed texts make of an adapter: the logits after each, and their fingerprint (P11).
 *
 * <p>A node proves with equal fingerprints that the adapter it serves acts as the one that was
 * trained: the weights arrived, in the right slot, with the right scale, over the right base. Equal
 * weights give equal bits on one backend, whatever else runs; across backends a difference proves
 * nothing. The texts are drawn from the vocabulary by a constant seed.
 *
 * @param rows logits after each text, [texts][vocab]; not copied, must not change
 */
public record Probe(List<float[]> rows) {
    private static final int TEXTS = 4;
    private static final int TOKENS = 8;
    private static final long SEED = 0x464C595748454C31L;

    /** Returns the cache blocks that a probe takes while it runs. */
    public static int cacheBlocks(int blockTokens) {
        return TEXTS * Math.ceilDiv(TOKENS, blockTokens);
    }

    /**
     * Runs the probe on a staged slot, or on the bare base for -1, as one step of {@code pass}.
     *
     * @throws dev.flywheel.engine.kv.KvCacheFullException if fewer than {@link #cacheBlocks} are
     * free
     */
    public static Probe run(ForwardPass pass, KvCache cache, int vocabSize, int slot) {
        List<KvSequence> sequences = new ArrayList<>();
        try {
            List<Chunk> chunks = new ArrayList<>();
            for (int[] text : texts(vocabSize)) {
                KvSequence sequence = cache.open();
                sequences.add(sequence);
                chunks.add(new Chunk(sequence, text, slot, Wanted.LAST));
            }
            Logits logits = pass.run(chunks);
            List<float[]> rows = new ArrayList<>();
            for (int text = 0; text < TEXTS; text++) {
                rows.add(logits.copyRow(logits.firstRow(text)));
            }
            return new Probe(List.copyOf(rows));
        } finally {
            sequences.forEach(KvSequence::close);
        }
    }

    /** Returns the SHA-256 over the logits' bits. */
    public Digest fingerprint() {
        int floats = rows.stream().mapToInt(row -> row.length).sum();
        ByteBuffer bytes =
                ByteBuffer.allocate(floats * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            bytes.asFloatBuffer().put(row);
            bytes.position(bytes.position() + row.length * Float.BYTES);
        }
        return Digest.of(bytes.array());
    }

    /** Returns whether every logit is a finite number. */
    public boolean finite() {
        for (float[] row : rows) {
            for (float logit : row) {
                if (!Float.isFinite(logit)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Returns the largest change of a logit against another probe of the same base. */
    public double distance(Probe other) {
        double largest = 0;
        for (int row = 0; row < rows.size(); row++) {
            for (int token = 0; token < rows.get(row).length; token++) {
                double change = (double) rows.get(row)[token] - other.rows.get(row)[token];
                largest = Math.max(largest, Math.abs(change));
            }
        }
        return largest;
    }

    /** Returns the size of the largest logit. */
    public double magnitude() {
        double largest = 0;
        for (float[] row : rows) {
            for (float logit : row) {
                largest = Math.max(largest, Math.abs(logit));
            }
        }
        return largest;
    }

    /** Returns the mean over the texts of KL(reference || this), nats. */
    public double divergenceFrom(Probe reference) {
        double sum = 0;
        for (int row = 0; row < rows.size(); row++) {
            sum += divergence(reference.rows.get(row), rows.get(row));
        }
        return sum / rows.size();
    }

    private static double divergence(float[] reference, float[] logits) {
        double referenceSum = logSum(reference);
        double ownSum = logSum(logits);
        double kl = 0;
        for (int token = 0; token < logits.length; token++) {
            double logReference = reference[token] - referenceSum;
            kl += StrictMath.exp(logReference) * (logReference - (logits[token] - ownSum));
        }
        return kl;
    }

    private static double logSum(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += StrictMath.exp(logit - max);
        }
        return max + StrictMath.log(sum);
    }

    private static List<int[]> texts(int vocabSize) {
        SeededRandom random = new SeededRandom(SEED);
        List<int[]> texts = new ArrayList<>();
        for (int text = 0; text < TEXTS; text++) {
            int[] tokens = new int[TOKENS];
            for (int i = 0; i < TOKENS; i++) {
                tokens[i] = random.nextInt(vocabSize);
            }
            texts.add(tokens);
        }
        return texts;
    }
}
