package dev.flywheel.app.bench.join;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.RefusalReason;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Records in the order they are read, and what has to become of each.
 *
 * @param partitions lists that are read side by side
 * @param joined events that must each become an example
 * @param refused how many events must be refused, and why
 * @param repeated records that say what an earlier one said
 * @param feedback records that are feedback
 * @param reordered records that come after some that are later by their own time
 * @param first impressions that come after feedback on them
 */
record JoinStream(
        List<List<IntakeRecord>> partitions,
        Set<FeedbackKey> joined,
        Map<RefusalReason, Long> refused,
        long repeated,
        long feedback,
        long reordered,
        long first) {

    long events() {
        return partitions.stream().mapToLong(List::size).sum();
    }
}
