package dev.flywheel.pipelines.round;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_MALFORMED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_ADAPTER;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_OVERLOADED;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.RefusedExample;
import dev.flywheel.api.v1.Withdrawal;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.guard.RoundShare;
import io.grpc.Status.Code;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rounds of one adapter: at most one in flight, while examples accumulate.
 *
 * <p>It first takes an epoch and finishes every manifest without an outcome as written; only then it claims (step 1), has
 * trained (3) and ends (4) rounds of its own. Calls that fail for a passing reason are repeated as they were: each of them is
 * idempotent. Used by one thread.
 *
 * <p>It learns how the adapter is configured when it takes its epoch, and anew with each claim. Of one that was deleted
 * everything that is not trained yet is refused, as of one that never was.
 *
 * <p>Invariant: an example is waiting, in the round in flight, or being looked up, until its end is known; {@link #unfinished}
 * is all three, and losing what is behind it loses nothing, since the store knows what was claimed.
 */
final class AdapterRounds {
    private static final Logger log = LoggerFactory.getLogger(AdapterRounds.class);

    private enum Phase {
        /** No epoch is held, and nothing asks for one. */
        CLOSED,
        /** Taking an epoch and finishing what was left open. */
        OPENING,
        /** Nothing in flight. */
        IDLE,
        /** A round is about to be claimed. */
        LINGERING,
        /** A round is in flight. */
        RUNNING
    }

    private final String adapter;
    private final RoundPace pace;
    private final RoundServers servers;
    private final DriverHost host;

    private final PatientCalls calls;
    private final WaitingExamples waiting = new WaitingExamples();
    private final Map<String, LabelledExample> inFlight = new LinkedHashMap<>();
    private final ClaimLookup lookup;
    private final Withdrawals withdrawals;
    private final ReplayClaims replay;
    private final RoundPicks picks;

    private Phase phase = Phase.CLOSED;
    private String backend = "";
    private long epoch;
    private long head;
    private long nextSeq;
    private long revision;
    private boolean repairing;
    private @Nullable RoundRun running;

    AdapterRounds(String adapter, RoundPace pace, GuardProfiles profiles, RoundServers servers,
            DriverHost host) {
        this.adapter = adapter;
        this.pace = pace;
        this.servers = servers;
        this.host = host;
        this.calls = new PatientCalls(adapter, pace, servers, host);
        this.lookup = new ClaimLookup(adapter, servers, host, calls);
        this.withdrawals = new Withdrawals(this, pace, servers, host, calls);
        this.replay = new ReplayClaims(this, servers, calls);
        this.picks = new RoundPicks(profiles);
    }

    String adapter() {
        return adapter;
    }

    /** Takes an example, to be in one of the next rounds. */
    void offer(LabelledExample example) {
        waiting.add(example);
        if (phase == Phase.CLOSED) {
            open();
        } else if (phase == Phase.IDLE) {
            linger();
        }
    }

    /** Takes an event back, unless a round has it. */
    void withdraw(Withdrawal withdrawal) {
        withdrawals.take(withdrawal, takeBack(withdrawal));
    }

    /** Removes and returns what waits because of an event. */
    List<LabelledExample> takeBack(Withdrawal withdrawal) {
        return waiting.removeAll(withdrawal.getExampleId(), Withdrawals.targetOf(withdrawal));
    }

    /** Retractions whose end is not known yet. */
    List<Withdrawal> unfinishedWithdrawals() {
        return withdrawals.unfinished();
    }

    /** Whether what an open manifest comes to will be known here; asks for that if nobody has yet. */
    boolean roundInFlight() {
        openIfClosed();
        return phase == Phase.OPENING || phase == Phase.RUNNING;
    }

    /** Examples whose end is not known yet. */
    List<LabelledExample> unfinished() {
        List<LabelledExample> all = new ArrayList<>(inFlight.values());
        all.addAll(lookup.examples());
        all.addAll(withdrawals.examples());
        all.addAll(waiting.all());
        return all;
    }

    /** Distinct feedback events behind {@link #unfinished} and {@link #unfinishedWithdrawals}. */
    long unfinishedFeedback() {
        return waiting.feedback() + WaitingExamples.feedback(inFlight.values())
                + WaitingExamples.feedback(lookup.examples())
                + WaitingExamples.feedback(withdrawals.examples())
                + withdrawals.unfinished().size();
    }

    int waitingCount() {
        return waiting.count() + withdrawals.unfinished().size();
    }

    boolean finished() {
        return waiting.count() == 0 && inFlight.isEmpty() && lookup.examples().isEmpty()
                && withdrawals.unfinished().isEmpty()
                && phase != Phase.OPENING
                && phase != Phase.RUNNING;
    }

    /** Whether it holds nothing and asks for nothing: no different from one that was never made. */
    boolean forgettable() {
        return phase == Phase.CLOSED && waiting.count() == 0 && lookup.examples().isEmpty()
                && withdrawals.unfinished().isEmpty();
    }

    // Opening.

    void openIfClosed() {
        if (phase == Phase.CLOSED) {
            open();
        }
    }

    /** Takes an epoch and finishes what an earlier driver, or an earlier life of this one, left open. */
    private void open() {
        phase = Phase.OPENING;
        calls.call("capacity", servers::capacity, capacity -> {
            backend = capacity.getBackend();
            calls.call("epoch", () -> servers.acquireEpoch(adapter), this::opened, this::notOpened);
        }, this::broken);
    }

    private void opened(AcquireEpochReply reply) {
        epoch = reply.getEpoch();
        head = reply.getHead();
        nextSeq = reply.getNextSeq();
        follow(reply.getAdapter());
        log.info("took epoch adapter={} epoch={} head={} nextSeq={}", adapter, epoch, head,
                nextSeq);
        calls.call("open manifests", () -> servers.listOpenManifests(adapter),
                open -> finishNext(new ArrayDeque<>(open)), this::broken);
    }

    /** Rounds to come go by this. */
    private void follow(AdapterRecord record) {
        revision = record.getRevision();
        repairing = record.hasRepair();
        picks.follow(record);
    }

    private void notOpened(CallFailure failure) {
        // A name that can be none is, to the feedback behind it, like one that is not there.
        if (failure.noAdapter() || failure.code() == Code.INVALID_ARGUMENT) {
            gone();
        } else {
            broken(failure);
        }
    }

    /**
     * There is no such adapter, or no more: what no round has ended is refused. So is what a restart hands on again, though a round
     * of it may have been committed; its manifest tells, and audits go by that.
     */
    void gone() {
        phase = Phase.CLOSED;
        running = null;
        putBack();
        refuseAllWaiting("there is no adapter \"" + adapter
                + "\" to train: it was never created, or it was deleted");
        withdrawals.decide();
    }

    private void refuseAllWaiting(String detail) {
        waiting.removeAll()
                .forEach(example -> host.refuse(example, REFUSAL_REASON_NO_ADAPTER, detail));
    }

    private void finishNext(Deque<Manifest> left) {
        Manifest manifest = left.poll();
        if (manifest == null) {
            goOn();
            return;
        }
        log.info("finishing round left open adapter={} seq={} examples={}", adapter,
                manifest.getSeq(),
                manifest.getExamplesCount());
        // What a repair claims again is claimed again by it alone, also if this round of it is abandoned.
        train(manifest.getSeq(), manifest.getBackend(),
                manifest.getReplays() == 0 ? manifest.getExamplesList() : List.of(),
                () -> finishNext(left));
    }

    // Repairing.

    /** Looks whether a repair has begun, unless it will be known soon. */
    void lookForRepair() {
        if (phase == Phase.CLOSED || phase == Phase.IDLE && !repairing) {
            open();
        }
    }

    /** What a repair left is trained again, round by round, before anything new is claimed. */
    private void goOn() {
        if (!repairing) {
            idle();
            return;
        }
        phase = Phase.RUNNING;
        replay.claim(nextSeq, epoch, head, backend);
    }

    /** The next round of the repair, or that there was nothing left of it to claim. */
    void replayed(PutReplayRequest request, PutReplayReply reply) {
        follow(reply.getAdapter());
        if (reply.getClaimed() == 0) {
            goOn();
            return;
        }
        nextSeq = request.getSeq() + 1;
        train(request.getSeq(), request.getBackend(), List.of(), this::goOn);
    }

    /** There was no repair any more. */
    void repaired() {
        log.info("repaired adapter={} head={}", adapter, head);
        repairing = false;
        idle();
    }

    /** A repair took the epoch, and abandoned what was claimed and not ended: that waits again. */
    void repairBegan() {
        log.info("a repair began, reopening adapter={}", adapter);
        running = null;
        putBack();
        open();
    }

    // Claiming.

    private void idle() {
        phase = Phase.IDLE;
        withdrawals.decide();
        if (waiting.count() > 0) {
            linger();
        }
    }

    private void linger() {
        phase = Phase.LINGERING;
        if (pace.linger().isZero()) {
            claim();
        } else {
            host.after(pace.linger(), this::claim);
        }
    }

    private void claim() {
        RoundShare.Pick<LabelledExample> pick = picks.of(waiting);
        if (pick.round().isEmpty()) {
            nothingToClaim(pick.tooMuch());
        } else {
            claim(pick.round());
        }
    }

    /** All were withdrawn meanwhile, or are too much. */
    private void nothingToClaim(List<LabelledExample> tooMuch) {
        tooMuch.forEach(example -> {
            waiting.remove(example);
            host.refuse(example, REFUSAL_REASON_CAPPED, picks.objection());
        });
        idle();
    }

    private void claim(List<LabelledExample> picked) {
        phase = Phase.RUNNING;
        picked.forEach(example -> {
            waiting.remove(example);
            inFlight.put(example.getExample().getExampleId(), example);
        });
        PutManifestRequest request = PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(nextSeq)
                .setEpoch(epoch)
                .setParent(head)
                .addAllExamples(picked.stream().map(LabelledExample::getExample).toList())
                .setSeed(Seeds.of(adapter, nextSeq))
                .setBackend(backend)
                .setAdapterRevision(revision)
                .addAllOrigins(ClaimOrigins.of(picked))
                .build();
        calls.call("claim", () -> servers.putManifest(request), reply -> claimed(request, reply),
                failure -> notClaimed(request, failure));
    }

    private void claimed(PutManifestRequest request, PutManifestReply reply) {
        Failpoints.reach("claimed");
        picks.decided();
        if (reply.hasAdapter()) {
            log.info("adapter was configured adapter={} revision={}", adapter,
                    reply.getAdapter().getRevision());
            follow(reply.getAdapter());
        }
        Set<String> refusedIds = new HashSet<>();
        for (RefusedExample refused : reply.getRefusedList()) {
            refusedIds.add(refused.getExampleId());
            LabelledExample example = inFlight.remove(refused.getExampleId());
            if (example != null) {
                refusedByStore(example, refused);
            }
        }
        if (reply.getClaimed() == 0) {
            idle();
            return;
        }
        nextSeq = request.getSeq() + 1;
        List<Example> kept = request.getExamplesList()
                .stream()
                .filter(example -> !refusedIds.contains(example.getExampleId()))
                .toList();
        picks.count(kept);
        log.debug("claimed adapter={} seq={} examples={}", adapter, request.getSeq(), kept.size());
        train(request.getSeq(), request.getBackend(), kept, this::idle);
    }

    private void refusedByStore(LabelledExample example, RefusedExample refused) {
        switch (refused.getReason()) {
            case REFUSAL_REASON_DUPLICATE -> lookup.find(example, refused.getManifestSeq());
            case REFUSAL_REASON_RETRACTED ->
                host.refuse(example, refused.getReason(),
                        "withdrawn or forgotten before it was claimed");
            default ->
                host.refuse(example, refused.getReason(), "the store refused to have it trained");
        }
    }

    private void notClaimed(PutManifestRequest request, CallFailure failure) {
        if (failure.is("SEQ_TAKEN") || failure.is("TOO_MANY_EXAMPLES")) {
            // The adapter is not as it was when the epoch was taken: learn it anew.
            log.warn("claim refused, reopening adapter={} seq={} {}", adapter, request.getSeq(),
                    failure);
            putBack();
            host.after(pace.backoffMax(), this::open);
        } else if (failure.is("REPAIR_BEGAN")) {
            repairBegan();
        } else if (failure.noAdapter()) {
            gone();
        } else if (failure.code() == Code.INVALID_ARGUMENT) {
            isolate(request, failure);
        } else {
            broken(failure);
        }
    }

    /** One bad example must not hold up the others: claim one by one until it is found, and refuse it. */
    private void isolate(PutManifestRequest request, CallFailure failure) {
        if (request.getExamplesCount() > 1) {
            picks.singly(request.getExamplesCount());
            putBack();
        } else {
            inFlight.values()
                    .forEach(
                            example -> host.refuse(example, REFUSAL_REASON_MALFORMED,
                                    "the store: " + failure.message()));
            inFlight.clear();
            picks.decided();
        }
        idle();
    }

    private void putBack() {
        inFlight.values().forEach(waiting::add);
        inFlight.clear();
    }

    // Training and ending.

    private void train(long seq, String boundTo, List<Example> examples, Runnable next) {
        running = new RoundRun(adapter, epoch, seq, boundTo, examples, this, pace, servers, host,
                calls, next);
        running.train();
    }

    /** A round has its outcome. */
    void ended(RoundRun round, PutOutcomeRequest request, PutOutcomeReply reply) {
        running = null;
        head = reply.getHead();
        List<LabelledExample> again = new ArrayList<>();
        for (Example example : round.examples()) {
            LabelledExample labelled = inFlight.remove(example.getExampleId());
            again.add(labelled == null ? LabelledExample.newBuilder().setExample(example).build()
                    : labelled);
        }
        if (request.getOutcome() == Outcome.OUTCOME_ABANDONED) {
            again.forEach(waiting::add);
        }
        log.info("round done adapter={} seq={} outcome={} examples={} head={}{}", adapter,
                round.seq(), request.getOutcome(), again.size(), head,
                request.getFigures().getRejectedBecause().isEmpty() ? ""
                        : " because=" + request.getFigures().getRejectedBecause());
    }

    /** A round cannot end any more: its adapter was deleted, and what it had claimed with it. */
    void deleted(RoundRun round) {
        for (Example example : round.examples()) {
            inFlight.computeIfAbsent(example.getExampleId(),
                    id -> LabelledExample.newBuilder().setExample(example).build());
        }
        gone();
    }

    /** The trainer's backend, for the rounds to come. */
    void trainedOn(String trainersBackend) {
        backend = trainersBackend;
    }

    /** Whether the round in flight has used up a deadline: what waits behind it may wait long. */
    boolean overdue() {
        return running != null && running.overdue();
    }

    /** Refuses what waits beyond so many: silence first, then the newest; returns how many it refused. */
    int shedBeyond(int max) {
        int before = waiting.count();
        List<LabelledExample> shed = waiting.removeBeyond(max);
        shed.forEach(example -> host.refuse(example, REFUSAL_REASON_OVERLOADED,
                "%d examples of adapter %s wait behind a round that takes longer than %s"
                        .formatted(before, adapter, pace.trainTimeout())));
        return shed.size();
    }

    // Failing.

    /** Ends the job. */
    void broken(CallFailure failure) {
        host.fail(failure.epochLost()
                ? new EpochLostException("adapter %s has another writer now, this job stops: %s"
                        .formatted(adapter, failure.message()))
                : new IllegalStateException(
                        "rounds of adapter %s cannot go on: %s".formatted(adapter, failure)));
    }
}
