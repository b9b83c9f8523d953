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
 * @param abandonedGrace how long a running round goes on without a caller, so that one who asks again
 *     joins it
 */
public record TrainerSettings(
        String trainerId,
        int roundsWaitingMax,
        int repliesKept,
        int rowsMax,
        int rankMax,
        Duration retryAfter,
        Duration abandonedGrace,
        Gate gate) {
    public TrainerSettings {
        requireAtLeastOne("trainer.rounds_waiting_max", roundsWaitingMax);
        requireAtLeastOne("trainer.replies_kept", repliesKept);
        requireAtLeastOne("engine.training_rows_max", rowsMax);
        requireAtLeastOne("engine.rank_max", rankMax);
        if (abandonedGrace.isNegative()) {
            throw new IllegalArgumentException(
                    "trainer.abandoned_grace must not be below zero, was " + abandonedGrace);
        }
    }

    /** Returns settings that suit one adapter or a few on the built-in base. */
    public static TrainerSettings of(String trainerId, int rowsMax, int rankMax) {
        return new TrainerSettings(
                trainerId,
                16,
                64,
                rowsMax,
                rankMax,
                Duration.ofMillis(200),
                Duration.ofSeconds(10),
                Gate.DEFAULT);
    }

    private static void requireAtLeastOne(String field, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(field + " must be at least 1, was " + value);
        }
    }
}
