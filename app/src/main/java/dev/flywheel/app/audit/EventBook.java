package dev.flywheel.app.audit;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Distinct feedback events, and where each stands; pure.
 *
 * <p>Knows at most so many. Beyond it the oldest that have ended are forgotten: they stay counted where they ended, but should
 * one of them come again it counts as another event, which ends where its claim stands, or nowhere if it had been refused. Events
 * are told apart by 128 bits of a digest. An event takes about 0.2 KiB. For one thread.
 */
final class EventBook {
    private final int max;
    private final LinkedHashMap<Id, Event> events = new LinkedHashMap<>();
    private final Totals forgotten = new Totals();
    private long records;
    private long again;
    private long letters;
    private long noLetters;
    private long unnamed;
    private long notFollowed;
    private int open;
    private int openAtLook;

    private record Id(long high, long low) {
        static Id of(FeedbackKey key) {
            ByteBuffer digest = ByteBuffer.wrap(Digest.stream()
                    .field(key.getSource())
                    .field(key.getFeedbackId())
                    .finish()
                    .raw());
            return new Id(digest.getLong(), digest.getLong());
        }
    }

    /** What manifests say of an event. */
    enum Place {
        NOWHERE,
        CLAIMED,
        QUARANTINED,
        TRAINED
    }

    /** One event. */
    static final class Event {
        private int partition;
        private long offset;
        /** Null once it is not needed: what was refused, or stands in an ended manifest by its claim, is asked for no more. */
        private @Nullable FeedbackKey key;
        private @Nullable String refused;
        private Place place = Place.NOWHERE;
        private String adapter = "";
        private int manifests;

        private Event(FeedbackKey key, int partition, long offset) {
            this.key = key;
            this.partition = partition;
            this.offset = offset;
        }

        boolean ended() {
            return refused != null || inEndedManifest();
        }

        private boolean inEndedManifest() {
            return place == Place.TRAINED || place == Place.QUARANTINED;
        }

        Place place() {
            return place;
        }

        String adapter() {
            return adapter;
        }

        int manifests() {
            return manifests;
        }

        /** Why it was refused, if that is its end: what was refused once and trained later is trained. */
        Optional<String> refusal() {
            return inEndedManifest() ? Optional.empty() : Optional.ofNullable(refused);
        }

        boolean before(Map<Integer, Long> positions) {
            return offset < positions.getOrDefault(partition, 0L);
        }

        OpenEvent told() {
            FeedbackKey named = key == null ? FeedbackKey.getDefaultInstance() : key;
            return new OpenEvent(named.getSource(), named.getFeedbackId(), partition, offset,
                    place == Place.CLAIMED);
        }
    }

    /** @param max how many events are known at once */
    EventBook(int max) {
        this.max = max;
    }

    /**
     * A record of the feedback topic.
     *
     * @param sentAgain an operator sent it again, so that its earlier refusal is not its end
     */
    void acknowledged(FeedbackKey key, int partition, long offset, boolean sentAgain) {
        records++;
        Id id = Id.of(key);
        Event event = events.get(id);
        if (event == null) {
            events.put(id, new Event(key, partition, offset));
            open++;
            makeRoom();
            return;
        }
        again += sentAgain ? 1 : 0;
        if (sentAgain && event.refused != null && !event.inEndedManifest()) {
            event.refused = null;
            event.key = key;
            event.partition = partition;
            event.offset = offset;
            open++;
        }
    }

    /** A record that is nobody's: no event, and it claims no identity. */
    void unnamed() {
        unnamed++;
    }

    /** A dead letter; it may be of something that is no event. */
    void refused(FeedbackKey key, String reason) {
        letters++;
        Event event = events.get(Id.of(key));
        if (event != null && event.refused == null) {
            open -= event.ended() ? 0 : 1;
            event.refused = reason;
            event.key = null;
        }
    }

    /** A record of the dead-letter topic that is none. */
    void noLetter() {
        noLetters++;
    }

    /** What manifests say is about to be told anew, all of it. */
    void forgetPlaces() {
        events.values().forEach(event -> {
            open += !event.ended() || event.refused != null ? 0 : 1;
            event.place = Place.NOWHERE;
            event.adapter = "";
            event.manifests = 0;
        });
    }

    /** A manifest; what is abandoned counts for nothing. */
    void placed(ManifestSummary manifest) {
        boolean rejected = manifest.getState() == ManifestState.MANIFEST_STATE_REJECTED;
        Set<FeedbackKey> lost = new HashSet<>(manifest.getQuarantinedList());
        Set<FeedbackKey> once = new HashSet<>(manifest.getFeedbackList());
        switch (manifest.getState()) {
            case MANIFEST_STATE_OPEN ->
                once.forEach(key -> place(key, Place.CLAIMED, manifest.getAdapter()));
            case MANIFEST_STATE_COMMITTED, MANIFEST_STATE_REJECTED ->
                once.forEach(key -> place(key,
                        rejected || lost.contains(key) ? Place.QUARANTINED : Place.TRAINED,
                        manifest.getAdapter()));
            case MANIFEST_STATE_ROLLED_BACK ->
                once.forEach(key -> place(key, Place.QUARANTINED, manifest.getAdapter()));
            case MANIFEST_STATE_REPLACED -> replaced(manifest, once);
            default -> {}
        }
    }

    /** What another manifest holds again is told with that; the rest waits for its turn, or was taken out for good. */
    private void replaced(ManifestSummary manifest, Set<FeedbackKey> once) {
        Set<FeedbackKey> withdrawn = new HashSet<>(manifest.getWithdrawnList());
        boolean heldAgain = manifest.getReplacedBy() != 0;
        for (FeedbackKey key : once) {
            if (withdrawn.contains(key)) {
                place(key, Place.QUARANTINED, manifest.getAdapter());
            } else if (!heldAgain) {
                place(key, Place.CLAIMED, manifest.getAdapter());
            }
        }
    }

    /** What the store's claims say of one event. */
    void placed(LocatedFeedback found) {
        switch (found.getState()) {
            case MANIFEST_STATE_OPEN ->
                place(found.getFeedback(), Place.CLAIMED, found.getAdapter());
            case MANIFEST_STATE_COMMITTED -> place(found.getFeedback(),
                    found.getQuarantined() ? Place.QUARANTINED : Place.TRAINED,
                    found.getAdapter());
            case MANIFEST_STATE_REJECTED, MANIFEST_STATE_ROLLED_BACK ->
                place(found.getFeedback(), Place.QUARANTINED, found.getAdapter());
            case MANIFEST_STATE_REPLACED -> place(found.getFeedback(),
                    found.getQuarantined() ? Place.QUARANTINED : Place.CLAIMED,
                    found.getAdapter());
            default -> {}
        }
        find(found.getFeedback()).filter(Event::ended).ifPresent(event -> event.key = null);
    }

    private void place(FeedbackKey key, Place place, String adapter) {
        Event event = events.get(Id.of(key));
        if (event == null) {
            return;
        }
        boolean ended = event.ended();
        event.manifests += place == Place.CLAIMED ? 0 : 1;
        if (place.compareTo(event.place) > 0) {
            event.place = place;
            event.adapter = adapter;
        }
        if (!ended && event.ended()) {
            open--;
        }
    }

    /** Forgets the oldest that ended; of those without an end the oldest only if all are without. */
    private void makeRoom() {
        if (events.size() <= max) {
            return;
        }
        forget(Event::ended, max / 16 + 1);
        if (events.size() > max) {
            forget(event -> true, max / 16 + 1);
        }
    }

    private void forget(Predicate<Event> which, int atMost) {
        int left = atMost;
        Iterator<Event> oldest = events.values().iterator();
        while (left > 0 && oldest.hasNext()) {
            Event event = oldest.next();
            if (which.test(event)) {
                left--;
                oldest.remove();
                if (event.ended()) {
                    forgotten.add(event);
                } else {
                    notFollowed++;
                    open--;
                }
            }
        }
    }

    /** Whether so many more are without an end than at the last look that it is time to look where they are. */
    boolean crowded() {
        return open > max / 2 && open > openAtLook + max / 16;
    }

    /** All that can be said of those without an end has been. */
    void looked() {
        openAtLook = open;
    }

    /** Events that have an end. */
    long ended() {
        return forgotten.events() + events.size() - open;
    }

    /** Where all of them stand, those that were forgotten as well. */
    Totals totals() {
        Totals totals = new Totals();
        totals.add(forgotten);
        events.values().forEach(totals::add);
        return totals;
    }

    Duplicates duplicates(Totals totals) {
        long distinct = totals.events() + notFollowed;
        return new Duplicates(records + unnamed, records - distinct - again, again, unnamed,
                letters,
                noLetters,
                totals.inTwoManifests());
    }

    /** Events without an end that were given up for want of room. */
    long notFollowed() {
        return notFollowed;
    }

    /** Returns the keys of those that have no end yet, oldest first. */
    List<FeedbackKey> open() {
        List<FeedbackKey> keys = new ArrayList<>(open);
        for (Event event : events.values()) {
            if (!event.ended() && event.key != null) {
                keys.add(event.key);
            }
        }
        return keys;
    }

    /** Returns those without an end that stand before these offsets, oldest first. */
    List<Event> openBefore(Map<Integer, Long> positions) {
        return events.values()
                .stream()
                .filter(event -> !event.ended() && event.before(positions))
                .toList();
    }

    int openCount() {
        return open;
    }

    Optional<Event> find(FeedbackKey key) {
        return Optional.ofNullable(events.get(Id.of(key)));
    }
}
