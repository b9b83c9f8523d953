package dev.flywheel.app.audit;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * One count of what manifests made of feedback. Counts in how many an event stands, since it must be no more than one (P3);
 * pure. For one thread.
 */
public final class ManifestTally {
    private final Set<FeedbackKey> acknowledged;
    private final Set<FeedbackKey> trained = new HashSet<>();
    private final Set<FeedbackKey> quarantined = new HashSet<>();
    private final Map<FeedbackKey, Integer> ended = new HashMap<>();

    /** @param acknowledged the events that are counted */
    public ManifestTally(Set<FeedbackKey> acknowledged) {
        this.acknowledged = acknowledged;
    }

    /** Adds a manifest; what is open or abandoned counts for nothing. */
    public void add(ManifestSummary manifest) {
        if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
            Set<FeedbackKey> taught = new HashSet<>(manifest.getFeedbackList());
            manifest.getQuarantinedList().forEach(taught::remove);
            trained.addAll(taught);
            quarantined.addAll(manifest.getQuarantinedList());
        } else if (manifest.getState() == ManifestState.MANIFEST_STATE_REJECTED) {
            quarantined.addAll(manifest.getFeedbackList());
        } else {
            return;
        }
        new HashSet<>(manifest.getFeedbackList()).forEach(key -> ended.merge(key, 1, Integer::sum));
    }

    /**
     * Returns where the acknowledged events are.
     *
     * @param refused reasons of events in the dead letters
     * @param pending events on their way
     */
    public FeedbackFates fates(Map<FeedbackKey, String> refused, long pending) {
        trained.retainAll(acknowledged);
        quarantined.retainAll(acknowledged);
        quarantined.removeAll(trained);
        ended.keySet().retainAll(acknowledged);
        long repeated = ended.values().stream().filter(count -> count > 1).count();
        return new FeedbackFates(acknowledged.size(), trained.size(), quarantined.size(),
                refusals(refused), pending, repeated);
    }

    /** Refused is what ended nowhere else: the same event may come twice, be trained once and refused the second time. */
    private TreeMap<String, Long> refusals(Map<FeedbackKey, String> refused) {
        TreeMap<String, Long> byReason = new TreeMap<>();
        refused.forEach((key, reason) -> {
            if (acknowledged.contains(key) && !ended.containsKey(key)) {
                byReason.merge(reason, 1L, Long::sum);
            }
        });
        return byReason;
    }
}
