package dev.flywheel.trainer.round;

/**
 * What a trainer's device takes.
 *
 * @param rowsMax tokens of one batch
 * @param rankMax largest adapter rank; serving's slots must have the same
 */
public record RoundLimits(int rowsMax, int rankMax) {
    public RoundLimits {
        if (rowsMax < 2 || rankMax < 1) {
            throw new IllegalArgumentException(
                    "rows_max %d, rank_max %d; expected at least 2 and 1"
                            .formatted(rowsMax, rankMax));
        }
    }
}
