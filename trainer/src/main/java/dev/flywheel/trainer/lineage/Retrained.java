package dev.flywheel.trainer.lineage;

import java.util.List;

/**
 * A line that was trained without some examples. It begins at the range's first version, as that stands
 * in the records.
 *
 * @param rounds one for each version after the range's first, in order
 * @param last of the state it ends with
 * @param weights that it ends with, canonical safetensors
 * @param optimizer state that it ends with, likewise; empty if nothing was ever trained
 */
public record Retrained(
        LineageRange range,
        List<Round> rounds,
        Digests last,
        byte[] weights,
        byte[] optimizer) {
    /**
     * A round of the line.
     *
     * @param instead number of the version in whose place it stands
     * @param manifestSeq of the manifest that it trained again
     * @param kept examples of the manifest that it was trained on
     * @param left examples of the manifest that were left out
     * @param replayedLeft examples that it replays and that were left out
     */
    public record Round(
            long instead,
            long manifestSeq,
            int kept,
            int left,
            int replayedLeft,
            End end) {}

    /** What came of a round. */
    public sealed interface End {}

    /** It made the next state of the line. */
    public record Made(Digests digests) implements End {}

    /** Nothing was left of its examples: no round, and the line stays where it is. */
    public record Emptied() implements End {}

    /** The gate refused what is left of it: the line stays where it is, as a rejected round's adapter does. */
    public record Refused(String because) implements End {}
}
