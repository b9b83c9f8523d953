package dev.flywheel.serving.scheduler;

import java.util.ArrayList;
import java.util.List;

/**
 * All sequences of one request: a stem, and branches that each go on after the whole stem.
 *
 * <p>Rank reads the context as the stem and one branch for each candidate; Generate is a stem that
 * grows. A group is admitted, charged and ended as one. Owned by the scheduler's thread.
 */
public final class SequenceGroup {
    private final String tenant;
    private final Sequence stem;
    private final List<Sequence> branches;
    /** Tokens that the request came with: the cost is fixed at the start, however the stem grows. */
    private final int stemTokens;
    private final int decodeMax;

    private SequenceGroup(String tenant, int[] stem, List<int[]> branches, int decodeMax) {
        if (stem.length == 0) {
            throw new IllegalArgumentException("the stem holds no tokens, needs at least 1");
        }
        this.tenant = tenant;
        this.stem = new Sequence(0, stem);
        List<Sequence> made = new ArrayList<>(branches.size());
        for (int[] branch : branches) {
            made.add(new Sequence(made.size() + 1, branch));
        }
        this.branches = List.copyOf(made);
        this.stemTokens = stem.length;
        this.decodeMax = decodeMax;
    }

    /** Returns a group that reads {@code prompt} and may grow by {@code tokensMax} tokens. */
    public static SequenceGroup growing(String tenant, int[] prompt, int tokensMax) {
        return new SequenceGroup(tenant, prompt, List.of(), tokensMax);
    }

    /** Returns a group that reads a stem once and every branch after it; a branch may be empty. */
    public static SequenceGroup branching(String tenant, int[] stem, List<int[]> branches) {
        return new SequenceGroup(tenant, stem, branches, 0);
    }

    public String tenant() {
        return tenant;
    }

    public Sequence stem() {
        return stem;
    }

    public List<Sequence> branches() {
        return branches;
    }

    /** Returns by how many tokens the stem may grow. */
    public int decodeMax() {
        return decodeMax;
    }

    /** Returns the tokens that the request came with. */
    public long inputTokens() {
        return tokens() - decodeMax;
    }

    /** Returns the tokens that the group may cost in all. */
    public long tokens() {
        long sum = (long) stemTokens + decodeMax;
        for (Sequence branch : branches) {
            sum += branch.length();
        }
        return sum;
    }

    /**
     * Returns the most cache blocks it can hold at once. A branch shares the stem's full blocks and
     * copies the one that is partly filled.
     */
    public long blocks(int blockTokens) {
        long sum = blocksFor((long) stemTokens + decodeMax, blockTokens);
        int copied = stemTokens % blockTokens;
        for (Sequence branch : branches) {
            if (branch.length() > 0) {
                sum += blocksFor((long) copied + branch.length(), blockTokens);
            }
        }
        return sum;
    }

    /** Returns in how many steps of so many tokens it ends at the latest, if it gets all of them. */
    long stepsLeft(int stepTokens) {
        long pending = stem.pending();
        for (Sequence branch : branches) {
            pending += branch.pending();
        }
        long grown = (long) stem.length() - stemTokens;
        return 1 + pending / stepTokens + (grows() ? decodeMax - grown : 0);
    }

    /** Returns whether the stem grows, one token after the other. */
    boolean grows() {
        return decodeMax > 0;
    }

    /**
     * Returns the blocks that it needs to go on: a group that grows those of what is known and of one token more, any other all that it
     * can come to hold.
     */
    long blocksNow(int blockTokens) {
        return grows()
                ? Math.min(blocks(blockTokens), blocksFor(stem.length() + 1L, blockTokens))
                : blocks(blockTokens);
    }

    private static long blocksFor(long tokens, int blockTokens) {
        return (tokens + blockTokens - 1) / blockTokens;
    }
}
