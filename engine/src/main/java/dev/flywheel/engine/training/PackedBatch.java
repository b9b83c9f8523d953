package dev.flywheel.engine.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Token sequences laid end to end as rows, some sharing a prefix.
 *
 * <p>A segment sees its own earlier rows and, if it has a parent, all rows of the parent, whose positions
 * it continues. So several options of one context pay for the context once.
 *
 * @param tokens [rows]
 * @param segments in order of their rows, together covering all of them
 * @param targets tokens whose log-probability is wanted
 * @param leashRows rows at which the distance to the base is wanted, ascending
 */
public record PackedBatch(
        int[] tokens,
        List<Segment> segments,
        List<Target> targets,
        int[] leashRows) {
    /** The parent of a segment without one. */
    public static final int NO_PARENT = -1;

    /**
     * A run of rows.
     *
     * @param parent an earlier segment that has no parent itself, or {@link #NO_PARENT}
     */
    public record Segment(int start, int length, int parent) {}

    /** A token and the row that predicts it: the row of the token before it. */
    public record Target(int row, int token) {}

    public PackedBatch {
        segments = List.copyOf(segments);
        targets = List.copyOf(targets);
        requireCover(tokens.length, segments);
        for (Target target : targets) {
            requireRow(target.row(), tokens.length);
        }
        for (int i = 0; i < leashRows.length; i++) {
            requireRow(leashRows[i], tokens.length);
            if (i > 0 && leashRows[i] <= leashRows[i - 1]) {
                throw new IllegalArgumentException("leash rows must ascend");
            }
        }
    }

    public int rows() {
        return tokens.length;
    }

    /** Begins a batch. */
    public static Builder builder() {
        return new Builder();
    }

    private static void requireCover(int rows, List<Segment> segments) {
        int next = 0;
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            int parent = segment.parent();
            if (segment.start() != next || segment.length() < 1) {
                throw new IllegalArgumentException(
                        "segment " + i + " is rows " + segment.start() + " + " + segment.length()
                                + ", expected at least one row from " + next);
            }
            if (parent != NO_PARENT
                    && (parent < 0 || parent >= i || segments.get(parent).parent() != NO_PARENT)) {
                throw new IllegalArgumentException(
                        "segment " + i + " has parent " + parent
                                + ", expected an earlier segment without a parent");
            }
            next += segment.length();
        }
        if (next != rows || rows == 0) {
            throw new IllegalArgumentException(
                    "segments cover " + next + " of " + rows
                            + " rows; expected all of at least one");
        }
    }

    private static void requireRow(int row, int rows) {
        if (row < 0 || row >= rows) {
            throw new IllegalArgumentException("row " + row + " is outside the batch of " + rows);
        }
    }

    /** Adds segments one by one. Not thread-safe. */
    public static final class Builder {
        private int[] tokens = new int[64];
        private int rows;
        private final List<Segment> segments = new ArrayList<>();
        private final List<Target> targets = new ArrayList<>();
        private int[] leash = new int[16];
        private int leashCount;

        private Builder() {}

        /** Adds a segment that sees only itself; returns its index. */
        public int segment(int[] ids) {
            return child(NO_PARENT, ids);
        }

        /** Adds a segment that continues {@code parent}; returns its index. */
        public int child(int parent, int[] ids) {
            int start = rows;
            if (tokens.length < rows + ids.length) {
                tokens = Arrays.copyOf(tokens, Math.max(2 * tokens.length, rows + ids.length));
            }
            System.arraycopy(ids, 0, tokens, rows, ids.length);
            rows += ids.length;
            segments.add(new Segment(start, ids.length, parent));
            return segments.size() - 1;
        }

        /** Returns the row of a segment's token. */
        public int row(int segment, int offset) {
            return segments.get(segment).start() + offset;
        }

        /** Returns the row of a segment's last token. */
        public int lastRow(int segment) {
            return row(segment, segments.get(segment).length() - 1);
        }

        /** Wants log p(token) at a row; returns the target's index. */
        public int target(int row, int token) {
            targets.add(new Target(row, token));
            return targets.size() - 1;
        }

        /** Wants the distance to the base at a row; rows must be added in ascending order. */
        public Builder leash(int row) {
            if (leashCount == leash.length) {
                leash = Arrays.copyOf(leash, 2 * leashCount);
            }
            leash[leashCount++] = row;
            return this;
        }

        /** Returns the rows added so far. */
        public int rows() {
            return rows;
        }

        public PackedBatch build() {
            return new PackedBatch(
                    Arrays.copyOf(tokens, rows), segments, targets,
                    Arrays.copyOf(leash, leashCount));
        }
    }
}
