package dev.flywheel.app.audit;

import dev.flywheel.app.audit.EventBook.Event;
import dev.flywheel.app.audit.EventBook.Place;
import java.util.SortedMap;
import java.util.TreeMap;

/** How many events stand where. For one thread. */
final class Totals {
    private long events;
    private long claimed;
    private long trained;
    private long quarantined;
    private long inTwoManifests;
    private final SortedMap<String, Long> refused = new TreeMap<>();
    private final SortedMap<String, AdapterTerms> adapters = new TreeMap<>();

    void add(Event event) {
        events++;
        claimed += event.place() == Place.CLAIMED && !event.ended() ? 1 : 0;
        trained += event.place() == Place.TRAINED ? 1 : 0;
        quarantined += event.place() == Place.QUARANTINED ? 1 : 0;
        inTwoManifests += event.manifests() > 1 ? 1 : 0;
        event.refusal().ifPresent(reason -> refused.merge(reason, 1L, Long::sum));
        if (event.place() != Place.NOWHERE) {
            adapters.merge(event.adapter(), AdapterTerms.of(event.place()), AdapterTerms::plus);
        }
    }

    void add(Totals other) {
        events += other.events;
        claimed += other.claimed;
        trained += other.trained;
        quarantined += other.quarantined;
        inTwoManifests += other.inTwoManifests;
        other.refused.forEach((reason, count) -> refused.merge(reason, count, Long::sum));
        other.adapters.forEach(
                (adapter, terms) -> adapters.merge(adapter, terms, AdapterTerms::plus));
    }

    long events() {
        return events;
    }

    /** Those of an open manifest that have no other end. */
    long claimed() {
        return claimed;
    }

    long trained() {
        return trained;
    }

    long quarantined() {
        return quarantined;
    }

    long inTwoManifests() {
        return inTwoManifests;
    }

    SortedMap<String, Long> refused() {
        return refused;
    }

    SortedMap<String, AdapterTerms> adapters() {
        return adapters;
    }
}
