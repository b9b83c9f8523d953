package dev.flywheel.feedback.event;

import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** What an impression or feedback event must look like. Each problem names the field, what came and what is allowed. */
public final class EventSchema {
    /** Longest id or name, characters. */
    public static final int ID_CHARS_MAX = 128;

    /** Longest corrected text, characters. */
    public static final int CORRECTION_CHARS_MAX = 16_384;

    /** Most candidates of an impression. */
    public static final int CANDIDATES_MAX = 10_000;

    /** Longest feedback event, bytes, unless settings say otherwise. */
    public static final int FEEDBACK_BYTES_DEFAULT = 65_536;

    private static final Parser<Signal> KNOWN_ONLY =
            DiscardUnknownFieldsParser.wrap(Signal.parser());

    private EventSchema() {}

    /** Returns a signal without the fields that this release does not know, which would pass every check unseen. */
    public static Signal known(Signal signal) {
        try {
            return KNOWN_ONLY.parseFrom(signal.toByteString());
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a signal that was parsed once is parsed again", e);
        }
    }

    /** Returns what is wrong with an event's size, empty if nothing is. */
    public static Optional<String> tooLarge(int bytes, int bytesMax) {
        return bytes <= bytesMax ? Optional.empty()
                : Optional.of(
                        "feedback event has %d bytes, at most %d are allowed; shorten it or raise loop.feedback_bytes_max"
                                .formatted(bytes, bytesMax));
    }

    /** Returns what is wrong with an impression, empty if nothing is. */
    public static Optional<String> problem(Impression impression) {
        Findings found = new Findings();
        found.id("impression_id", impression.getImpressionId());
        found.id("tenant", impression.getTenant());
        found.shortEnough("user", impression.getUser());
        found.time("served_at_millis", impression.getServedAtMillis());
        found.check(kindIsKnown(impression.getKind()),
                "kind is %s, allowed are RANK, GENERATE and SCORE", impression.getKind());
        found.check(impression.getCandidatesCount() > 0,
                "candidates is empty, at least one is needed");
        found.check(impression.getCandidatesCount() <= CANDIDATES_MAX,
                "candidates has %d entries, at most %d are allowed",
                impression.getCandidatesCount(), CANDIDATES_MAX);
        found.check(impression.getVersion().getAdapter().isEmpty()
                || impression.getVersion().getDigest().length() == 64,
                "version.digest is \"%s\", a version of an adapter has 64 hex digits",
                impression.getVersion().getDigest());
        if (found.none()) {
            candidates(impression, found);
        }
        return found.first();
    }

    private static boolean kindIsKnown(DecisionKind kind) {
        return kind == DecisionKind.DECISION_KIND_RANK
                || kind == DecisionKind.DECISION_KIND_GENERATE
                || kind == DecisionKind.DECISION_KIND_SCORE;
    }

    private static void candidates(Impression impression, Findings found) {
        Set<String> ids = new HashSet<>();
        found.check(impression.getKind() != DecisionKind.DECISION_KIND_RANK
                || impression.getCandidatesList().stream().anyMatch(each -> each.getPlace() >= 0),
                "candidates.place is below 0 in all, a slate shows at least one");
        for (ShownCandidate candidate : impression.getCandidatesList()) {
            found.shortEnough("candidates.id", candidate.getId());
            found.check(ids.add(candidate.getId()), "candidates.id %s stands twice",
                    candidate.getId());
            found.check(Double.isFinite(candidate.getScore()),
                    "candidates.score of %s is %s, it must be finite", candidate.getId(),
                    candidate.getScore());
            found.check(candidate.getPropensity() >= 0 && candidate.getPropensity() <= 1,
                    "candidates.propensity of %s is %s, allowed is 0 to 1",
                    candidate.getId(), candidate.getPropensity());
            drawn(candidate, found);
        }
    }

    private static void drawn(ShownCandidate candidate, Findings found) {
        int count = candidate.getDrawnLogProbsCount();
        found.check(count == 0 || count == candidate.getIdsCount(),
                "candidates.drawn_log_probs of %s has %s entries, allowed are none or one for each of ids",
                candidate.getId(), count);
        for (float each : candidate.getDrawnLogProbsList()) {
            found.check(each <= 0 && !Float.isInfinite(each),
                    "candidates.drawn_log_probs of %s has %s, allowed are finite numbers up to 0",
                    candidate.getId(), each);
        }
    }

    /** Returns what is wrong with a feedback event, empty if nothing is. */
    public static Optional<String> problem(FeedbackEvent event) {
        Findings found = new Findings();
        found.id("feedback_id", event.getFeedbackId());
        found.id("source", event.getSource());
        found.id("impression_id", event.getImpressionId());
        found.id("tenant", event.getTenant());
        found.shortEnough("user", event.getUser());
        found.time("received_at_millis", event.getReceivedAtMillis());
        problem(event.getSignal()).ifPresent(found::add);
        return found.first();
    }

    /** Returns what is wrong with a heartbeat, empty if nothing is. */
    public static Optional<String> problem(Heartbeat heartbeat) {
        Findings found = new Findings();
        found.id("node_id", heartbeat.getNodeId());
        found.time("at_millis", heartbeat.getAtMillis());
        found.check(heartbeat.getUnwrittenSinceMillis() >= 0,
                "unwritten_since_millis is %d, it must be milliseconds since 1970, or 0",
                heartbeat.getUnwrittenSinceMillis());
        return found.first();
    }

    /** Returns what is wrong with a signal, empty if nothing is. */
    public static Optional<String> problem(Signal signal) {
        Findings found = new Findings();
        switch (signal.getKindCase()) {
            case CLICK -> found.id("signal.click.candidate_id", signal.getClick().getCandidateId());
            case DISMISS -> found.shortEnough("signal.dismiss.candidate_id",
                    signal.getDismiss().getCandidateId());
            case RATING -> {
                double value = signal.getRating().getValue();
                found.shortEnough("signal.rating.candidate_id",
                        signal.getRating().getCandidateId());
                found.check(value >= 0 && value <= 1,
                        "signal.rating.value is %s, allowed is 0 to 1", value);
            }
            case REWARD -> {
                double value = signal.getReward().getValue();
                found.shortEnough("signal.reward.candidate_id",
                        signal.getReward().getCandidateId());
                found.check(Double.isFinite(value), "signal.reward.value is %s, it must be finite",
                        value);
            }
            case CORRECTION -> {
                String text = signal.getCorrection().getText();
                found.check(!text.isBlank(),
                        "signal.correction.text is blank; send what the answer should have been");
                found.check(text.length() <= CORRECTION_CHARS_MAX,
                        "signal.correction.text has %d characters, at most %d are allowed",
                        text.length(), CORRECTION_CHARS_MAX);
            }
            case PREFERENCE -> found.id("signal.preference.rejected_impression_id",
                    signal.getPreference().getRejectedImpressionId());
            case RETRACT ->
                found.id("signal.retract.feedback_id", signal.getRetract().getFeedbackId());
            case THUMB, RENDERED -> {}
            case KIND_NOT_SET -> found.add(
                    "signal is not set; set one of click, dismiss, rating, thumb, correction, preference, reward, retract, rendered");
        }
        return found.first();
    }
}
