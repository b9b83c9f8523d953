package dev.flywheel.app.audit;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.flywheel.api.v1.FeedbackKey;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What became of the events that a client heard acknowledged.
 *
 * @param acknowledged distinct events of the client's ledger
 * @param lost those that the feedback topic does not hold
 * @param twice those that stand in more than one manifest that was committed or rejected
 * @param refused those that ended as dead letters, by reason
 * @param open those without an end
 * @param pending how many of them, at most, are known to be on their way
 * @param unheard events in the topic that are not in the ledger: written, but their acknowledgement did not get through
 */
public record LedgerReport(
        long acknowledged,
        List<FeedbackKey> lost,
        List<FeedbackKey> twice,
        long trained,
        long quarantined,
        SortedMap<String, Long> refused,
        List<FeedbackKey> open,
        long pending,
        long unheard) {
    public LedgerReport {
        lost = List.copyOf(lost);
        twice = List.copyOf(twice);
        refused = Collections.unmodifiableSortedMap(new TreeMap<>(refused));
        open = List.copyOf(open);
    }

    /** Returns how many are lost: not in the topic, or without an end though nothing has them any more. */
    @JsonProperty
    public long lostInAll() {
        return lost.size() + open.size() - pending;
    }

    /** Whether nothing was lost and nothing counted twice. */
    @JsonProperty
    public boolean kept() {
        return lostInAll() == 0 && twice.isEmpty();
    }
}
