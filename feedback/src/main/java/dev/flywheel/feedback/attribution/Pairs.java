package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_FORGED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NOT_APPLICABLE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_CONSENT;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_UNMATCHED;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PairState;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Completes preferences: attribution knows the answer that was preferred, here is the one that it was preferred to. A pure state
 * machine of that other answer.
 *
 * <p>Two answers make a pair if one user was given both by one adapter on the same prompt, with consent to learn from either. A
 * preference that comes before the other answer waits for it; whether it is in time is decided by when it was received, by the
 * windows of both. A withdrawal comes the same way as what it withdraws: it passes
 * after that, or takes it out of the wait, and goes on in either case, since only the store can say that nothing has claimed it.
 *
 * <p>Invariant: each preference is held in the state, handed on once, or refused once.
 */
public final class Pairs {
    private final AttributionSettings settings;

    public Pairs(AttributionSettings settings) {
        this.settings = settings;
    }

    /**
     * Returns what is remembered of an answer; empty if no preference can be about it: of slates, and of the bare base model.
     *
     * @param consents whether it may be learned from
     */
    public Optional<ComparedAnswer> compared(Impression impression, boolean consents) {
        if (impression.getKind() != DecisionKind.DECISION_KIND_GENERATE
                || impression.getVersion().getAdapter().isEmpty()) {
            return Optional.empty();
        }
        ComparedAnswer.Builder answer = ComparedAnswer.newBuilder()
                .setImpressionId(impression.getImpressionId())
                .setTenant(impression.getTenant())
                .setUser(impression.getUser())
                .setAdapter(impression.getVersion().getAdapter())
                .setConsents(consents)
                .setClosesAtMillis(impression.getServedAtMillis() + windowMillis(impression));
        if (consents) {
            ShownCandidate given = impression.getCandidates(0);
            answer.setPromptDigest(digest(impression.getPromptIdsList()))
                    .setCandidateId(given.getId())
                    .addAllIds(given.getIdsList())
                    .setScore(given.getScore());
        }
        return Optional.of(answer.build());
    }

    /** How long a preference over it may come: as long as one after it. */
    private long windowMillis(Impression impression) {
        return settings.signals()
                .under(impression.getLearning(), settings.longestWindow())
                .of(Signal.KindCase.PREFERENCE)
                .attributionMillis();
    }

    private static ByteString digest(List<Integer> tokens) {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * tokens.size());
        tokens.forEach(bytes::putInt);
        return ByteString.copyFrom(Digest.of(bytes.array()).raw());
    }

    /** Takes an answer; all but the first of one id change nothing. */
    public PairStep onAnswer(@Nullable PairState before, ComparedAnswer answer) {
        if (before != null && before.hasAnswer()) {
            return new PairStep(before, List.of());
        }
        List<PairEffect> effects = new ArrayList<>();
        effects.add(new PairEffect.WakeAt(answer.getClosesAtMillis()));
        if (before != null) {
            before.getHeldList().forEach(item -> effects.add(paired(answer, item)));
        }
        return new PairStep(PairState.newBuilder().setAnswer(answer).build(), effects);
    }

    /** Takes a preference, or the withdrawal of one. */
    public PairStep onItem(@Nullable PairState before, LoopItem item) {
        if (item.hasWithdrawal()) {
            return withdraw(before, item);
        }
        if (before != null && before.hasAnswer()) {
            return new PairStep(before, List.of(paired(before.getAnswer(), item)));
        }
        PairState.Builder state = before == null ? PairState.newBuilder() : before.toBuilder();
        long bytes = heldBytes(before) + item.getSerializedSize();
        if (bytes > settings.heldBytesPerImpressionMax()) {
            return new PairStep(before, List.of(refused(item, REFUSAL_REASON_CAPPED,
                    "%d bytes of preferences would wait for the other answer, at most %d are held"
                            .formatted(bytes, settings.heldBytesPerImpressionMax()))));
        }
        return new PairStep(state.addHeld(item).build(),
                List.of(new PairEffect.WakeAt(orphanEnd(item))));
    }

    /** Tells the machine that event time has reached {@code millis}. */
    public PairStep onTime(PairState before, long millis) {
        List<PairEffect> effects = new ArrayList<>();
        PairState.Builder state = before.toBuilder().clearHeld();
        for (LoopItem item : before.getHeldList()) {
            if (orphanEnd(item) <= millis) {
                effects.add(refused(item, REFUSAL_REASON_UNMATCHED,
                        "answer %s did not come within %s, or is older than its attribution window; only generated answers of adapters can be compared"
                                .formatted(item.getRejectedImpressionId(),
                                        settings.orphanTimeout())));
            } else {
                state.addHeld(item);
            }
        }
        if (state.hasAnswer() && state.getAnswer().getClosesAtMillis() <= millis) {
            state.clearAnswer();
        }
        boolean empty = !state.hasAnswer() && state.getHeldCount() == 0;
        return new PairStep(empty ? null : state.build(), effects);
    }

    /** Bytes of the preferences that wait. */
    public static long heldBytes(@Nullable PairState state) {
        return state == null ? 0
                : state.getHeldList().stream().mapToLong(LoopItem::getSerializedSize).sum();
    }

    private static PairStep withdraw(@Nullable PairState before, LoopItem withdrawal) {
        PairEffect pass = new PairEffect.Pass(withdrawal);
        if (before == null || before.getHeldCount() == 0) {
            return new PairStep(before, List.of(pass));
        }
        List<PairEffect> effects = new ArrayList<>();
        PairState.Builder state = before.toBuilder().clearHeld();
        for (LoopItem item : before.getHeldList()) {
            if (isWithdrawn(item, withdrawal.getWithdrawal())) {
                effects.add(refused(item, REFUSAL_REASON_RETRACTED,
                        "withdrawn by event %s while it waited for the other answer".formatted(
                                withdrawal.getWithdrawal()
                                        .getRetraction()
                                        .getEvent()
                                        .getFeedbackId())));
            } else {
                state.addHeld(item);
            }
        }
        effects.add(pass);
        return new PairStep(state.getHeldCount() == 0 ? null : state.build(), effects);
    }

    /** By the event: others that say the same have the same example. */
    private static boolean isWithdrawn(LoopItem item, Withdrawal withdrawal) {
        Example example = item.getExample().getExample();
        return example.getExampleId().equals(withdrawal.getExampleId())
                && example.getFeedbackList()
                        .contains(Case.targetOf(withdrawal.getRetraction().getEvent()));
    }

    private PairEffect paired(ComparedAnswer other, LoopItem item) {
        return objection(other, item.getExample().getExample())
                .or(() -> late(other, item.getExample().getFeedback()))
                .map(objection -> refused(item, objection.reason(), objection.detail()))
                .orElseGet(() -> new PairEffect.Pass(completed(other, item)));
    }

    private static Optional<JoinCheck.Objection> objection(ComparedAnswer other, Example example) {
        if (!other.getTenant().equals(example.getTenant())
                || !other.getUser().equals(example.getUser())) {
            return objection(REFUSAL_REASON_FORGED,
                    "answer %s was not given to the same tenant and user",
                    other.getImpressionId());
        }
        if (!other.getAdapter().equals(example.getAdapter())) {
            return objection(REFUSAL_REASON_NOT_APPLICABLE,
                    "answer %s is of adapter %s, the preferred one of %s; both must be of one",
                    other.getImpressionId(), other.getAdapter(), example.getAdapter());
        }
        if (!other.getConsents()) {
            return objection(REFUSAL_REASON_NO_CONSENT,
                    "answer %s was given without consent to learn from it",
                    other.getImpressionId());
        }
        if (!other.getPromptDigest().equals(digest(example.getPromptIdsList()))) {
            return objection(REFUSAL_REASON_NOT_APPLICABLE,
                    "answer %s is to another prompt; both must be to the same",
                    other.getImpressionId());
        }
        if (other.getIdsList().equals(example.getOptions(0).getIdsList())) {
            return objection(REFUSAL_REASON_NOT_APPLICABLE,
                    "answer %s says the same as the preferred one", other.getImpressionId());
        }
        return Optional.empty();
    }

    /** By when it was received, as for the preferred answer; when it gets here says nothing. */
    private static Optional<JoinCheck.Objection> late(ComparedAnswer other, TakenFeedback taken) {
        long after = taken.getEvent().getReceivedAtMillis() - other.getClosesAtMillis();
        return after < 0 ? Optional.empty()
                : objection(REFUSAL_REASON_LATE,
                        "came %d ms after the attribution window of answer %s had ended", after,
                        other.getImpressionId());
    }

    private static Optional<JoinCheck.Objection> objection(RefusalReason reason, String detail,
            Object... values) {
        return Optional.of(new JoinCheck.Objection(reason, detail.formatted(values)));
    }

    private static LoopItem completed(ComparedAnswer other, LoopItem item) {
        LoopItem.Builder whole = item.toBuilder();
        whole.getExampleBuilder()
                .getExampleBuilder()
                .addOptions(LabelledOption.newBuilder()
                        .setCandidateId(other.getCandidateId())
                        .addAllIds(other.getIdsList())
                        .setLabel(-1)
                        .setServedScore(other.getScore()));
        return whole.build();
    }

    private static PairEffect refused(LoopItem item, RefusalReason reason, String detail) {
        return new PairEffect.Refuse(item.getExample().getFeedback(), reason, detail);
    }

    private long orphanEnd(LoopItem item) {
        TakenFeedback taken = item.getExample().getFeedback();
        return taken.getEvent().getReceivedAtMillis() + settings.orphanTimeout().toMillis();
    }
}
