package dev.flywheel.app.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.SortedMap;

/**
 * Where feedback ended, counted over distinct (source, feedback id) in the feedback topic (P3).
 *
 * @param acknowledged distinct events in the feedback topic
 * @param trained events that stand in a committed manifest among HEAD's ancestors
 * @param quarantined events that stand in a rejected manifest, or in a committed one that could not train on them
 * @param refused events refused, by reason
 * @param pending events on their way: topic lag, events between the stages of the job and events it holds, those
 *        of rounds in flight included. An open manifest that the job does not hold is not in it
 * @param repeated events that stand in more than one manifest that was committed or rejected; none may
 */
public record FeedbackFates(
        long acknowledged,
        long trained,
        long quarantined,
        SortedMap<String, Long> refused,
        long pending,
        long repeated) {

    /** Returns acknowledged less everything that is accounted for; 0 when conservation holds. */
    @JsonIgnore
    public long difference() {
        long refusedAll = refused.values().stream().mapToLong(Long::longValue).sum();
        return acknowledged - trained - quarantined - refusedAll - pending;
    }

    /** Returns what is wrong with the counts, to stand behind them; empty if nothing is. */
    public String faults(long acknowledgedToClients) {
        String faults = "";
        if (!balanced()) {
            faults = "  DIFFERENCE %d, IN TWO MANIFESTS %d".formatted(difference(), repeated);
        }
        return acknowledged == acknowledgedToClients ? faults
                : faults + "  CLIENTS HEARD %d ACKNOWLEDGED".formatted(acknowledgedToClients);
    }

    /** Whether each event ended in one place, and in no more than one manifest. */
    @JsonIgnore
    public boolean balanced() {
        return difference() == 0 && repeated == 0;
    }
}
