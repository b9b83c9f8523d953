package dev.flywheel.pipelines.round;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_MALFORMED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.api.v1.Withdrawal;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Retractions of one adapter on their way to an end. The store is told first, so that no restart trains what was taken back;
 * only then the retraction, and what it took back, is refused.
 *
 * <p>Which of the two came first, retraction or claim, the store decides. While the claim's manifest is open neither has: if
 * it is abandoned, the retraction was in time after all. Used by one thread.
 */
final class Withdrawals {
    private final AdapterRounds owner;
    private final RoundPace pace;
    private final RoundServers servers;
    private final DriverHost host;
    private final PatientCalls calls;
    private final Set<Leaving> leaving = new LinkedHashSet<>();
    private final Set<Leaving> undecided = new LinkedHashSet<>();

    Withdrawals(AdapterRounds owner, RoundPace pace, RoundServers servers, DriverHost host,
            PatientCalls calls) {
        this.owner = owner;
        this.pace = pace;
        this.servers = servers;
        this.host = host;
        this.calls = calls;
    }

    /** A retraction and the examples it kept from being claimed; each its own, whatever it says. */
    private static final class Leaving {
        private final Withdrawal withdrawal;
        private final List<LabelledExample> examples;

        Leaving(Withdrawal withdrawal, List<LabelledExample> examples) {
            this.withdrawal = withdrawal;
            this.examples = examples;
        }
    }

    /** Returns the event that a retraction takes back: of the same source, by its id. */
    static FeedbackKey targetOf(Withdrawal withdrawal) {
        FeedbackEvent retraction = withdrawal.getRetraction().getEvent();
        return FeedbackKey.newBuilder()
                .setSource(retraction.getSource())
                .setFeedbackId(retraction.getSignal().getRetract().getFeedbackId())
                .build();
    }

    /** Takes a retraction, with the examples of its event that nothing has claimed. */
    void take(Withdrawal withdrawal, List<LabelledExample> examples) {
        Leaving each = new Leaving(withdrawal, examples);
        leaving.add(each);
        ask(each);
    }

    /** A round has ended: asks again what stood open because of it. */
    void decide() {
        List<Leaving> open = List.copyOf(undecided);
        undecided.clear();
        open.forEach(this::ask);
    }

    private void ask(Leaving each) {
        calls.call("withdraw", () -> servers.withdraw(targetOf(each.withdrawal)),
                reply -> answered(each, reply), failure -> notWithdrawn(each, failure));
    }

    private void answered(Leaving each, WithdrawReply reply) {
        if (reply.getManifestSeq() == 0) {
            inTime(each);
        } else if (!reply.getOpen() || !reply.getAdapter().equals(owner.adapter())) {
            giveBack(each);
            host.refuse(each.withdrawal.getRetraction(), REFUSAL_REASON_LATE,
                    "the event it withdraws is in round %d of %s".formatted(reply.getManifestSeq(),
                            reply.getAdapter()));
        } else if (owner.roundInFlight()) {
            undecided.add(each);
        } else {
            host.after(pace.backoffMin(), () -> ask(each));
        }
    }

    private void inTime(Leaving each) {
        leaving.remove(each);
        List<LabelledExample> back = new ArrayList<>(each.examples);
        back.addAll(owner.takeBack(each.withdrawal)); // abandoned by the round that had claimed it
        String by = each.withdrawal.getRetraction().getEvent().getFeedbackId();
        back.forEach(example -> host.refuse(example, REFUSAL_REASON_RETRACTED,
                "withdrawn by event " + by));
        host.refuse(each.withdrawal.getRetraction(), REFUSAL_REASON_RETRACTED,
                "withdrew an event in time");
    }

    private void notWithdrawn(Leaving each, CallFailure failure) {
        if (failure.code() == Code.INVALID_ARGUMENT) {
            giveBack(each);
            host.refuse(each.withdrawal.getRetraction(), REFUSAL_REASON_MALFORMED,
                    "the store: " + failure.message());
        } else {
            owner.broken(failure);
        }
    }

    private void giveBack(Leaving each) {
        leaving.remove(each);
        each.examples.forEach(owner::offer);
    }

    /** Retractions whose end is not known yet. */
    List<Withdrawal> unfinished() {
        return leaving.stream().map(each -> each.withdrawal).toList();
    }

    /** Examples that wait with them. */
    List<LabelledExample> examples() {
        return leaving.stream().flatMap(each -> each.examples.stream()).toList();
    }
}
