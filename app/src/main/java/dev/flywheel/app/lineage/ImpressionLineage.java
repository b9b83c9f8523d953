package dev.flywheel.app.lineage;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Finds answers in the impression topic, as far back as it goes, and asks the registry for their versions. */
public final class ImpressionLineage {
    private static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
    private static final int ID_CHARS = 26;
    private static final int TIME_CHARS = 10;
    /** Clocks of node and broker differ by less. */
    private static final Duration SLACK = Duration.ofMinutes(10);

    private final TopicSearch topics;
    private final StoreClient store;
    private final IntakeReader reader;
    private final int ancestorsMax;

    /** @param ancestorsMax so many ancestors are told one by one */
    public ImpressionLineage(TopicSearch topics, StoreClient store, IntakeReader reader,
            int ancestorsMax) {
        this.topics = topics;
        this.store = store;
        this.reader = reader;
        this.ancestorsMax = ancestorsMax;
    }

    /** Where an impression stands. */
    private record Found(Impression impression, String at) {}

    /** @throws LineageException if the topic does not hold it */
    public ImpressionReport of(String id) {
        AtomicReference<Optional<Found>> found = new AtomicReference<>(Optional.empty());
        topics.search(topics.topics().impression(), id, madeAt(id), record -> {
            found.set(read(record, id));
            return found.get().isPresent();
        });
        return report(found.get()
                .orElseThrow(() -> new LineageException(
                        "there is no answer %s in topic %s; it was never written, or the topic has let go of it (loop.topic_retention)"
                                .formatted(id, topics.topics().impression()))));
    }

    private Optional<Found> read(ConsumerRecord<byte[], byte[]> record, String id) {
        return reader.impression(record) instanceof Intake.Valid<Impression>(Impression impression)
                && impression.getImpressionId().equals(id)
                        ? Optional.of(new Found(impression,
                                record.partition() + ":" + record.offset()))
                        : Optional.empty();
    }

    /** Ids of serving nodes begin with the time: nothing before it has to be looked through. Of other ids everything has. */
    static OptionalLong madeAt(String id) {
        if (id.length() != ID_CHARS) {
            return OptionalLong.empty();
        }
        long millis = 0;
        for (int i = 0; i < TIME_CHARS; i++) {
            int digit = ALPHABET.indexOf(id.charAt(i));
            if (digit < 0) {
                return OptionalLong.empty();
            }
            millis = millis << 5 | digit;
        }
        return OptionalLong.of(Math.max(0, millis - SLACK.toMillis()));
    }

    private ImpressionReport report(Found found) {
        Impression impression = found.impression();
        String adapter = impression.getVersion().getAdapter();
        long number = impression.getVersion().getNumber();
        Optional<VersionRecord> version =
                adapter.isEmpty() ? Optional.empty() : version(adapter, number);
        boolean known = version
                .map(each -> each.getRef()
                        .getDigest()
                        .equals(impression.getVersion().getDigest()))
                .orElse(false);
        VersionLineage lineage = new VersionLineage(store, ancestorsMax);
        return new ImpressionReport(impression.getImpressionId(), found.at(),
                Instant.ofEpochMilli(impression.getServedAtMillis()).toString(),
                impression.getNodeId(),
                impression.getKind().name().replace("DECISION_KIND_", "").toLowerCase(Locale.ROOT),
                adapter, number, impression.getVersion().getDigest(), known,
                known ? lineage.learned(adapter, number) : null,
                known ? chain(lineage, adapter, version.orElseThrow()) : List.of());
    }

    private static List<Ancestor> chain(VersionLineage lineage, String adapter,
            VersionRecord version) {
        List<Ancestor> chain = new ArrayList<>();
        chain.add(Ancestor.of(version));
        chain.addAll(lineage.ancestors(adapter, version));
        return chain;
    }

    private Optional<VersionRecord> version(String adapter, long number) {
        try {
            return Optional.of(store.getVersion(adapter, number));
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }
}
