package dev.flywheel.app.lineage;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.FeedbackOrigin;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.app.audit.JobFigures;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.IntakeReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out where feedback events ended: by the store's index if one of its manifests holds them, else by their dead letters, else by
 * what the job has taken. The topics are looked through only for what no manifest holds.
 */
public final class FeedbackLineage {
    private final TopicSearch topics;
    private final StoreClient store;
    private final JobFigures.Source job;
    private final IntakeReader reader;

    public FeedbackLineage(TopicSearch topics, StoreClient store, JobFigures.Source job,
            IntakeReader reader) {
        this.topics = topics;
        this.store = store;
        this.job = job;
        this.reader = reader;
    }

    /** Tells of an event. */
    public FeedbackReport of(String source, String feedbackId) throws InterruptedException {
        FeedbackKey key =
                FeedbackKey.newBuilder().setSource(source).setFeedbackId(feedbackId).build();
        Optional<LocatedFeedback> located = located(key);
        if (located.isPresent() && located.get().getSeq() > 0) {
            return manifested(located.get());
        }
        return unclaimed(key, FeedbackTrace.of(topics, reader, key::equals), located.isPresent());
    }

    /** Tells of the events with an id, whoever sent them; one that no topic holds any more is not found so. */
    public List<FeedbackReport> of(String feedbackId) throws InterruptedException {
        FeedbackTrace trace = FeedbackTrace.of(topics, reader,
                key -> key.getFeedbackId().equals(feedbackId));
        List<FeedbackReport> reports = new ArrayList<>();
        for (FeedbackKey key : trace.keys()) {
            Optional<LocatedFeedback> located = located(key);
            reports.add(located.isPresent() && located.get().getSeq() > 0
                    ? manifested(located.get())
                    : unclaimed(key, trace, located.isPresent()));
        }
        return reports;
    }

    private Optional<LocatedFeedback> located(FeedbackKey key) {
        return store.locateFeedback(List.of(key)).stream().findFirst();
    }

    private FeedbackReport manifested(LocatedFeedback found) {
        FeedbackKey key = found.getFeedback();
        ManifestRecord manifest = store.getManifestRecord(found.getAdapter(), found.getSeq());
        FeedbackEnd end = FeedbackEnd.of(found, manifest);
        return new FeedbackReport(key.getSource(), key.getFeedbackId(), end.end(),
                found.getAdapter(), found.getSeq(), end.trained() ? found.getVersion() : 0,
                end.reason(), "", "",
                manifest.getOriginsList()
                        .stream()
                        .filter(origin -> origin.getFeedback().equals(key))
                        .map(FeedbackLineage::at)
                        .toList(),
                impression(key, manifest));
    }

    private static String impression(FeedbackKey key, ManifestRecord manifest) {
        return manifest.getExamplesList()
                .stream()
                .filter(example -> example.getFeedbackList().contains(key))
                .map(ExampleRecord::getImpressionId)
                .findFirst()
                .orElse("");
    }

    private static String at(FeedbackOrigin origin) {
        return origin.getPartition() + ":" + origin.getOffset();
    }

    private FeedbackReport unclaimed(FeedbackKey key, FeedbackTrace trace, boolean withdrawn)
            throws InterruptedException {
        List<FeedbackTrace.Sighting> records = trace.records(key);
        List<String> places = records.stream().map(FeedbackTrace.Sighting::at).toList();
        String impression = records.isEmpty() ? "" : records.getFirst().impression();
        Optional<FeedbackTrace.Letter> letter = trace.letter(key);
        if (letter.isPresent()) {
            return refused(key, letter.get(), places, impression);
        }
        String withdrawal = withdrawn ? "; it was withdrawn" : "";
        return new FeedbackReport(key.getSource(), key.getFeedbackId(),
                records.isEmpty() ? "unknown" : "pending", "", 0, 0,
                (records.isEmpty() ? "no topic and no manifest holds it"
                        : waits(records.getLast())) + withdrawal,
                "", "", places, impression);
    }

    private static FeedbackReport refused(FeedbackKey key, FeedbackTrace.Letter letter,
            List<String> places, String impression) {
        return new FeedbackReport(key.getSource(), key.getFeedbackId(), "refused", "", 0, 0,
                "%s, by %s".formatted(ReasonNames.of(letter.refusal().getReason()),
                        letter.stage()),
                letter.refusal().getDetail(), letter.at(), places,
                impression.isEmpty() ? letter.refusal().getImpressionId() : impression);
    }

    private String waits(FeedbackTrace.Sighting record) throws InterruptedException {
        Optional<JobFigures> figures = figures();
        if (figures.isEmpty()) {
            return "the job does not tell whether it has taken it";
        }
        long position = figures.get().positions().getOrDefault(record.partition(), 0L);
        return record.offset() < position ? "the job holds it"
                : "it waits in the topic: the job is at %d:%d".formatted(record.partition(),
                        position);
    }

    private Optional<JobFigures> figures() throws InterruptedException {
        try {
            return job.figures();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
