package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.AttentionShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Consecutive query rows that attend to one list of tokens: a chunk of a sequence, or a segment of a
 * training batch.
 *
 * @param firstRow first query row
 * @param rows query rows
 * @param tokens tokens in the list
 * @param offsets where token t's row begins in the keys and values, in elements from their bases;
 *     padded with copies of the last so that whole panels can be packed
 * @param from first token that each row sees
 * @param to end of the tokens that each row sees
 */
record AttentionRun(int firstRow, int rows, int tokens, int[] offsets, int[] from, int[] to) {

    /** Tokens packed side by side. */
    static final int PANEL = 2 * Microkernels.W;

    /** Rows of a call over the paged cache. */
    static List<AttentionRun> paged(CpuBuffer rowSequences, CpuBuffer rowPositions,
            CpuBuffer blockTables, AttentionShape shape, int rows, int blocksPerSequence,
            int blockTokens) {
        int[] sequences = rowSequences.ints();
        int s0 = rowSequences.base();
        int[] positions = rowPositions.ints();
        int p0 = rowPositions.base();
        int[] tables = blockTables.ints();
        List<AttentionRun> runs = new ArrayList<>();
        for (int start = 0; start < rows;) {
            int end = start + 1;
            while (end < rows && sequences[s0 + end] == sequences[s0 + start]) {
                end++;
            }
            int[] from = new int[end - start];
            int[] to = new int[end - start];
            for (int r = start; r < end; r++) {
                to[r - start] = positions[p0 + r] + 1;
                from[r - start] = shape.window() == 0
                        ? 0
                        : Math.max(0, to[r - start] - shape.window());
            }
            int tokens = Arrays.stream(to).max().orElseThrow();
            int table = blockTables.base() + sequences[s0 + start] * blocksPerSequence;
            int[] offsets = new int[padded(tokens)];
            for (int t = 0; t < tokens; t++) {
                int row = tables[table + t / blockTokens] * blockTokens + t % blockTokens;
                offsets[t] = Math.multiplyExact(row, shape.kvDim());
            }
            runs.add(of(start, end, tokens, offsets, from, to));
            start = end;
        }
        return runs;
    }

    /** Rows of a packed training batch: runs of rows with equal spans. */
    static List<AttentionRun> packed(CpuBuffer spans, CpuBuffer positions, AttentionShape shape,
            int rows) {
        int[] span = spans.ints();
        int s0 = spans.base();
        List<AttentionRun> runs = new ArrayList<>();
        for (int start = 0; start < rows;) {
            int end = start + 1;
            while (end < rows && Arrays.equals(span, s0 + end * 3, s0 + end * 3 + 3, span,
                    s0 + start * 3, s0 + start * 3 + 3)) {
                end++;
            }
            int prefixStart = span[s0 + start * 3];
            int prefix = span[s0 + start * 3 + 1] - prefixStart;
            int ownStart = span[s0 + start * 3 + 2];
            int tokens = prefix + end - ownStart;
            int[] seen = new int[padded(tokens)];
            for (int t = 0; t < tokens; t++) {
                seen[t] = t < prefix ? prefixStart + t : ownStart + t - prefix;
            }
            int[] from = new int[end - start];
            int[] to = new int[end - start];
            for (int r = start; r < end; r++) {
                to[r - start] = prefix + r - ownStart + 1;
                from[r - start] = firstInWindow(seen, to[r - start], positions, shape, r);
            }
            for (int t = 0; t < tokens; t++) {
                seen[t] = Math.multiplyExact(seen[t], shape.kvDim());
            }
            runs.add(of(start, end, tokens, seen, from, to));
            start = end;
        }
        return runs;
    }

    /** Returns how many leading tokens lie at the same place as those of another run. */
    int sharedTokens(AttentionRun other) {
        int both = Math.min(tokens, other.tokens);
        int differs = Arrays.mismatch(offsets, 0, both, other.offsets, 0, both);
        return differs < 0 ? both : differs;
    }

    private static AttentionRun of(int start, int end, int tokens, int[] offsets, int[] from,
            int[] to) {
        Arrays.fill(offsets, tokens, offsets.length, offsets[tokens - 1]);
        return new AttentionRun(start, end - start, tokens, offsets, from, to);
    }

    /** Whole panels, and one vector more for packing. */
    private static int padded(int tokens) {
        return (tokens + PANEL - 1) / PANEL * PANEL + Microkernels.W;
    }

    private static int firstInWindow(int[] seen, int to, CpuBuffer positions,
            AttentionShape shape, int r) {
        if (shape.window() == 0) {
            return 0;
        }
        int[] position = positions.ints();
        int p0 = positions.base();
        int first = 0;
        while (first < to && position[p0 + r] - position[p0 + seen[first]] >= shape.window()) {
            first++;
        }
        return first;
    }
}
