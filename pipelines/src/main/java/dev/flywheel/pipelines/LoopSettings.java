package dev.flywheel.pipelines;

import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.round.RoundPace;
import dev.flywheel.pipelines.round.ServerTargets;
import dev.flywheel.pipelines.stage.EvaluationLimits;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Everything that the loop's job depends on.
 *
 * @param brokers Kafka's bootstrap servers
 * @param topics the environment's topics; they must exist
 * @param servers where store and trainer listen
 * @param tokenKeys file of the keys that sign feedback tokens; readable where the job runs
 * @param attribution windows of the join
 * @param orphanTimeoutMax how long feedback waits for an impression at most, while the node that answered has not written all
 * @param answerBytesMax bytes of answers that one subtask remembers to compare preferred ones with
 * @param outOfOrderness how far events of one partition may be out of order before time goes on without them
 * @param nodeLease how far a node's heartbeats may be behind the newest before time goes on without it
 * @param guard caps on what users can teach
 * @param usersRemembered how long after its last example a user is known to be no newcomer
 * @param rounds how rounds follow one another
 * @param evaluation how versions are held against what users did
 * @param parallelism subtasks of each stage; at most the partitions of a topic, or time would stand still
 * @param reader what is taken from the topics; of a feedback record that is too long the dead letter keeps so many bytes
 */
public record LoopSettings(
        String brokers,
        Topics topics,
        ServerTargets servers,
        Path tokenKeys,
        AttributionSettings attribution,
        Duration orphanTimeoutMax,
        long answerBytesMax,
        Duration outOfOrderness,
        Duration nodeLease,
        GuardProfiles guard,
        Duration usersRemembered,
        RoundPace rounds,
        EvaluationLimits evaluation,
        int parallelism,
        IntakeReader reader) {

    public LoopSettings {
        if (outOfOrderness.isNegative()) {
            throw new IllegalArgumentException(
                    "out-of-orderness is " + outOfOrderness + ", it must not be below zero");
        }
        if (nodeLease.isNegative() || nodeLease.isZero()) {
            throw new IllegalArgumentException(
                    "node lease is " + nodeLease + ", it must be above zero");
        }
        if (usersRemembered.isNegative()) {
            throw new IllegalArgumentException(
                    "users are remembered for " + usersRemembered
                            + ", it must not be below zero");
        }
        if (orphanTimeoutMax.compareTo(attribution.orphanTimeout()) < 0) {
            throw new IllegalArgumentException(
                    "longest orphan timeout is %s, it must not be shorter than the orphan timeout of %s"
                            .formatted(orphanTimeoutMax, attribution.orphanTimeout()));
        }
        if (answerBytesMax < 1) {
            throw new IllegalArgumentException(
                    "answer bytes are " + answerBytesMax + ", at least 1 is needed");
        }
        if (parallelism < 1) {
            throw new IllegalArgumentException(
                    "parallelism is " + parallelism + ", at least 1 is needed");
        }
    }
}
