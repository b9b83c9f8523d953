package dev.flywheel.app.audit;

import dev.flywheel.api.v1.FeedbackKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One comparison of a client's ledger with a book. For one thread. */
final class LedgerCount {
    private final EventBook book;
    private final Set<FeedbackKey> heard = new HashSet<>();
    private final List<FeedbackKey> lost = new ArrayList<>();
    private final List<FeedbackKey> twice = new ArrayList<>();
    private final List<FeedbackKey> open = new ArrayList<>();
    private final Totals found = new Totals();

    LedgerCount(EventBook book) {
        this.book = book;
    }

    void add(FeedbackKey key) {
        if (!heard.add(key)) {
            return;
        }
        Optional<EventBook.Event> event = book.find(key);
        if (event.isEmpty()) {
            lost.add(key);
            return;
        }
        found.add(event.get());
        if (event.get().manifests() > 1) {
            twice.add(key);
        }
        if (!event.get().ended()) {
            open.add(key);
        }
    }

    /** What is on its way cannot be told by event: as many as are may be ours. */
    LedgerReport report(AuditReport audit) {
        PendingTerms pending = audit.pending();
        long onTheirWay = pending == null ? 0 : Math.clamp(pending.total(), 0, open.size());
        return new LedgerReport(heard.size(), lost, twice, found.trained(), found.quarantined(),
                found.refused(), open, onTheirWay, audit.acknowledged() - found.events());
    }
}
