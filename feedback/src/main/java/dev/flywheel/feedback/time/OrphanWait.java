package dev.flywheel.feedback.time;

import dev.flywheel.api.v1.Heartbeat;
import java.io.Serializable;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long feedback waits for an impression that has not come: a while, and longer as long as the node that answered reports
 * that it has not written all it served. Pure, and event time throughout.
 *
 * <p>A node that is gone cannot take its last word back: it counts until the node beats again, or the longest wait is over.
 */
public final class OrphanWait implements Serializable {
    private static final long serialVersionUID = 1L;

    /**
     * How often the node's word is looked at again while it holds feedback back. Who tells of it leaves out no more: an answer
     * that is newer than the last word may be unwritten.
     */
    public static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

    private final long timeoutMillis;
    private final long timeoutMaxMillis;

    /**
     * Makes a rule.
     *
     * @param timeout how long after its receipt feedback waits in any case
     * @param timeoutMax how long at most
     */
    public OrphanWait(Duration timeout, Duration timeoutMax) {
        this.timeoutMillis = timeout.toMillis();
        this.timeoutMaxMillis = Math.max(timeoutMillis, timeoutMax.toMillis());
    }

    /**
     * Returns until when feedback is to wait before it is looked at again; what is not after {@code nowMillis} has waited enough.
     *
     * @param servedAtMillis when the answer was given that it is about
     * @param report the last heartbeat of the node that gave it; null if none is known
     */
    public long until(long receivedAtMillis, long servedAtMillis, @Nullable Heartbeat report,
            long nowMillis) {
        long end = receivedAtMillis + timeoutMillis;
        if (end > nowMillis || report == null) {
            return end;
        }
        long last = receivedAtMillis + timeoutMaxMillis;
        if (mayBeUnwritten(report, servedAtMillis)) {
            return Math.min(last, nowMillis + LOOK_AGAIN.toMillis());
        }
        // What was written before the report was made has been read once time has reached the report.
        return Math.min(last, Math.max(end, report.getAtMillis()));
    }

    private static boolean mayBeUnwritten(Heartbeat report, long servedAtMillis) {
        long since = report.getUnwrittenSinceMillis();
        // Or it was served when the report was made, or later, of which the report says nothing.
        return since != 0 && since <= servedAtMillis || servedAtMillis >= report.getAtMillis();
    }
}
