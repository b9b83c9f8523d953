package dev.flywheel.trainer.lineage;

import org.jspecify.annotations.Nullable;

/**
 * What came of training versions again as they were trained.
 *
 * @param start version whose stored weights and optimizer state it began with; at or below the range's
 *     first one
 * @param versions that were trained again and compared, the one that differs included
 * @param examples that they were trained on, replayed ones not counted
 * @param binding what it was trained with, and is bound to
 * @param last of the last version that was trained
 * @param difference null if there is none
 */
public record Comparison(
        LineageRange range,
        long start,
        long versions,
        long examples,
        String binding,
        Digests last,
        @Nullable Difference difference) {
    public boolean identical() {
        return difference == null;
    }
}
