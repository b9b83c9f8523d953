package dev.flywheel.trainer.server;

import dev.flywheel.trainer.gate.Gate;
import java.time.Duration;

/**
 * Settings of one trainer.
 *
 * @param trainerId name in logs and capacity replies
 * @param roundsWaitingMax rounds that may wait for the running one; more are shed
 * @param repliesKept finished replies kept for callers who ask again
 * @param rowsMax tokens that one example may take on the device
 * @param rankMax largest adapter rank, as serving's slots have it
 * @param retryAfter what a shed caller is told to wait
 */
public record TrainerSettings(
        String trainerId,
        int roundsWaitingMax,
        int repliesKept,
        int rowsMax,
        int rankMax,
        Duration retryAfter,
        Gate gate) {
    public TrainerSettings {
        requireAtLeastOne("trainer.rounds_waiting_max", roundsWaitingMax);
        requireAtLeastOne("trainer.replies_kept", repliesKept);
        requireAtLeastOne("trainer.rows_max", rowsMax);
        requireAtLeastOne("engine.lora.rank_max", rankMax);
    }

    /** Returns settings that suit one adapter or a few on the built-in base. */
    public static TrainerSettings of(String trainerId, int rowsMax, int rankMax) {
        return new TrainerSettings(
                trainerId, 16, 64, rowsMax, rankMax, Duration.ofMillis(200), Gate.DEFAULT);
    }

    private static void requireAtLeastOne(String field, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(field + " must be at least 1, was " + value);
        }
    }
}
