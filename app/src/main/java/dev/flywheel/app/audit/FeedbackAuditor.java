package dev.flywheel.app.audit;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.Topics;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Counts where each distinct feedback event ended, from the sources themselves: the feedback topic, the dead-letter topic, the
 * store's manifests, and what the job says it has taken.
 *
 * <p>These cannot be read in one instant, and the loop does not stand still. So ends are counted before the job is asked and after,
 * by figures that it read in between: what ended meanwhile may explain that it has more than is open now, and nothing else. A
 * difference is what neither count explains. It is exact when nothing moves; while feedback flows one may show for as long as a
 * figure takes to get from one place to the next, so who acts on it looks again.
 *
 * <p>Keeps its place in the topics between audits. For one thread.
 */
public final class FeedbackAuditor implements AuditWatch.Look {
    private static final int TOLD_MAX = 10;
    private static final long FRESH_NANOS = 3_000_000_000L;
    private static final long PAUSE_MILLIS = 20;

    private final TopicsInTime topics;
    private final String feedbackTopic;
    private final EventBook book;
    private final Places places;
    private final JobFigures.Source job;
    private final IntakeReader reader;
    private final InstantSource clock;

    private FeedbackAuditor(String brokers, Topics topics, EventBook book, Places places,
            JobFigures.Source job, IntakeReader reader, InstantSource clock) {
        this.topics =
                new TopicsInTime(brokers, List.of(topics.feedback(), topics.deadFeedback()));
        this.feedbackTopic = topics.feedback();
        this.book = book;
        this.places = places;
        this.job = job;
        this.reader = reader;
        this.clock = clock;
    }

    /**
     * Counts all that the topics hold, and reads all manifests at each audit. Memory grows by some 0.3 KiB an event: for a command
     * or a run with an end.
     *
     * @param job asked for what it has taken
     * @param reader as the job reads
     */
    public static FeedbackAuditor ofAll(String brokers, Topics topics, StoreClient store,
            JobFigures.Source job, IntakeReader reader) {
        return new FeedbackAuditor(brokers, topics, new EventBook(Integer.MAX_VALUE),
                new Places.OfManifests(store), job, reader, InstantSource.system());
    }

    /**
     * Knows so many events at once and asks the store for those alone that have no end, so that it can run beside a node: an audit
     * costs what came since the last one and what is on its way. Exact but for this: of what ended more than {@code eventsMax}
     * events ago a repetition counts as an event of its own; and what a rollback quarantines after it was trained, it does not see.
     */
    public static FeedbackAuditor ofRecent(int eventsMax, String brokers, Topics topics,
            StoreClient store, JobFigures.Source job, IntakeReader reader, InstantSource clock) {
        return new FeedbackAuditor(brokers, topics, new EventBook(eventsMax),
                new Places.OfClaims(store), job, reader, clock);
    }

    /** Counts as things stand. */
    @Override
    public AuditReport audit() throws InterruptedException {
        read();
        long endedBefore = book.ended();
        JobFigures figures = freshFigures();
        read();
        return report(figures, Math.max(0, book.ended() - endedBefore));
    }

    private void read() {
        topics.readToEnds(record -> {
            take(record);
            if (book.crowded()) {
                look();
            }
        });
        look();
    }

    private void look() {
        places.tell(book);
        book.looked();
    }

    /** Figures that the job read after this was called; null if it does not tell. */
    private @Nullable JobFigures freshFigures() throws InterruptedException {
        long deadline = System.nanoTime() + FRESH_NANOS;
        JobFigures first = null;
        do {
            Optional<JobFigures> now = figures();
            if (now.isPresent() && first != null
                    && now.get().asOfMillis() != first.asOfMillis()) {
                return now.get();
            }
            first = first == null ? now.orElse(null) : first;
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } while (System.nanoTime() - deadline < 0);
        return null;
    }

    private Optional<JobFigures> figures() throws InterruptedException {
        try {
            return job.figures();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private AuditReport report(@Nullable JobFigures figures, long endedMeanwhile) {
        Totals totals = book.totals();
        List<EventBook.Event> taken =
                figures == null ? List.of() : book.openBefore(figures.positions());
        PendingTerms pending =
                figures == null ? null : pending(figures, taken, endedMeanwhile);
        long open = book.openCount();
        return new AuditReport(clock.instant().toString(), totals.events() + book.notFollowed(),
                totals.trained(), totals.quarantined(), totals.refused(), pending,
                pending == null ? open : open - pending.total(), book.notFollowed(),
                book.duplicates(totals), totals.adapters(),
                taken.stream().limit(TOLD_MAX).map(EventBook.Event::told).toList());
    }

    /** What the job has beyond what is open now ended meanwhile, as far as anything did. */
    private PendingTerms pending(JobFigures figures, List<EventBook.Event> taken,
            long endedMeanwhile) {
        long claimed = taken.stream()
                .filter(event -> event.place() == EventBook.Place.CLAIMED)
                .count();
        long notHeld = Math.max(0, claimed - figures.taken());
        long tooMany = figures.taken() + notHeld - taken.size();
        return new PendingTerms(book.openCount() - taken.size(), figures.onTheWire(),
                figures.held(), notHeld, Math.clamp(tooMany, 0, endedMeanwhile));
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
        if (record.topic().equals(feedbackTopic)) {
            takeEvent(record);
        } else {
            takeRefusal(record);
        }
    }

    /** A record that cannot be read counts under the id its headers claim; without one it is nobody's feedback. */
    private void takeEvent(ConsumerRecord<byte[], byte[]> record) {
        switch (reader.feedback(record)) {
            case Intake.Valid<FeedbackEvent>(FeedbackEvent event) ->
                acknowledged(FeedbackIds.keyOf(event), record);
            case Intake.Malformed<FeedbackEvent> malformed -> {
                FeedbackKey claimed = reader.claimedKey(record);
                if (claimed.getFeedbackId().isEmpty()) {
                    book.unnamed();
                } else {
                    acknowledged(claimed, record);
                }
            }
            case Intake.Beat<FeedbackEvent> beat -> {}
        }
    }

    private void acknowledged(FeedbackKey key, ConsumerRecord<byte[], byte[]> record) {
        book.acknowledged(key, record.partition(), record.offset(),
                record.headers().lastHeader(EventRecords.AGAIN) != null);
    }

    /** A record of the dead-letter topic that is no letter is none, as for the commands that list them. */
    private void takeRefusal(ConsumerRecord<byte[], byte[]> record) {
        try {
            RefusedFeedback refusal = RefusedFeedback.parseFrom(record.value());
            if (refusal.getReasonValue() != 0) {
                book.refused(refusal.getKey(), ReasonNames.of(refusal.getReason()));
            }
        } catch (InvalidProtocolBufferException | NullPointerException e) {
            book.noLetter();
        }
    }

    /**
     * Holds a client's ledger against the last audit: each event that it heard acknowledged.
     *
     * @param report what the last {@link #audit} returned
     */
    public LedgerReport compare(Iterable<FeedbackKey> heard, AuditReport report) {
        LedgerCount count = new LedgerCount(book);
        heard.forEach(count::add);
        return count.report(report);
    }

    @Override
    public void close() {
        topics.close();
    }
}
