package dev.flywheel.engine.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of a batch that need logits, each once, and which tokens are asked of them.
 *
 * <p>A row may be asked for several tokens (the options that follow one context). They are dealt into
 * rounds of at most one token for each row, since a kernel takes one.
 */
final class WantedTokens {
    /** No token is asked of the row in this round. */
    static final int NONE = -1;

    /** Before the first batch. */
    static final WantedTokens NOTHING =
            new WantedTokens(new PackedBatch(
                    new int[1],
                    List.of(new PackedBatch.Segment(0, 1, PackedBatch.NO_PARENT)),
                    List.of(),
                    new int[0]));

    private final int[] rows;
    private final int[] tokens;
    private final List<int[]> rounds;
    private final int[] leash;

    /** Lays out the targets and leash rows of a batch. */
    WantedTokens(PackedBatch batch) {
        int[] indexOfRow = new int[batch.rows()];
        Arrays.fill(indexOfRow, NONE);
        batch.targets().forEach(target -> indexOfRow[target.row()] = 0);
        for (int row : batch.leashRows()) {
            indexOfRow[row] = 0;
        }
        int[] wanted = new int[batch.rows()];
        int count = 0;
        for (int row = 0; row < indexOfRow.length; row++) {
            if (indexOfRow[row] == 0) {
                indexOfRow[row] = count;
                wanted[count++] = row;
            }
        }
        this.rows = Arrays.copyOf(wanted, count);
        this.tokens = batch.targets().stream().mapToInt(PackedBatch.Target::token).toArray();
        this.rounds = deal(batch.targets(), indexOfRow, count);
        this.leash = new int[count];
        Arrays.fill(leash, NONE);
        for (int i = 0; i < batch.leashRows().length; i++) {
            leash[indexOfRow[batch.leashRows()[i]]] = i;
        }
    }

    private static List<int[]> deal(
            List<PackedBatch.Target> targets, int[] indexOfRow, int count) {
        List<int[]> rounds = new ArrayList<>();
        int[] dealt = new int[count];
        for (int target = 0; target < targets.size(); target++) {
            int index = indexOfRow[targets.get(target).row()];
            int round = dealt[index]++;
            if (round == rounds.size()) {
                int[] fresh = new int[count];
                Arrays.fill(fresh, NONE);
                rounds.add(fresh);
            }
            rounds.get(round)[index] = target;
        }
        return rounds;
    }

    /** Returns the number of wanted rows. */
    int count() {
        return rows.length;
    }

    /** Returns the batch row of a wanted row. */
    int row(int index) {
        return rows[index];
    }

    int rounds() {
        return rounds.size();
    }

    /** Returns the target asked of a wanted row in a round, or {@link #NONE}. */
    int target(int round, int index) {
        return rounds.get(round)[index];
    }

    int token(int target) {
        return tokens[target];
    }

    int targets() {
        return tokens.length;
    }

    /** Returns which leash row a wanted row is, or {@link #NONE}. */
    int leash(int index) {
        return leash[index];
    }

    /** Returns whether a round asks anything of the wanted rows from {@code from} to {@code to}. */
    boolean asks(int round, int from, int to) {
        int[] asked = rounds.get(round);
        for (int i = from; i < to; i++) {
            if (asked[i] != NONE) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether one of the wanted rows from {@code from} to {@code to} is a leash row. */
    boolean leashes(int from, int to) {
        for (int i = from; i < to; i++) {
            if (leash[i] != NONE) {
                return true;
            }
        }
        return false;
    }
}
