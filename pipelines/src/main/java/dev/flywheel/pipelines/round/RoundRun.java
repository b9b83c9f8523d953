package dev.flywheel.pipelines.round;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.TrainReply;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one claimed round to its outcome: has it trained (step 3) and ends it (4).
 *
 * <p>Every round gets an outcome unless its trainer is away: a try that fails, takes longer than its deadline or whose blobs
 * the store misses counts, and after so many the round is quarantined with the last reason. A try that only waited behind
 * another round does not count. Used by one thread.
 */
final class RoundRun {
    private static final Logger log = LoggerFactory.getLogger(RoundRun.class);

    private final String adapter;
    private final long epoch;
    private final long seq;
    private final String backend;
    private final List<Example> examples;
    private final AdapterRounds owner;
    private final RoundPace pace;
    private final RoundServers servers;
    private final DriverHost host;
    private final PatientCalls calls;
    private final Runnable next;

    private int failures;
    private boolean overdue;
    /** The store misses what the trainer says it uploaded. */
    private boolean anew;
    /** Why its examples are to be quarantined; whether they are is for the store to say. */
    private @Nullable CallFailure givenUp;

    RoundRun(String adapter, long epoch, long seq, String backend, List<Example> examples,
            AdapterRounds owner, RoundPace pace, RoundServers servers, DriverHost host,
            PatientCalls calls, Runnable next) {
        this.adapter = adapter;
        this.epoch = epoch;
        this.seq = seq;
        this.backend = backend;
        this.examples = examples;
        this.owner = owner;
        this.pace = pace;
        this.servers = servers;
        this.host = host;
        this.calls = calls;
        this.next = next;
    }

    long seq() {
        return seq;
    }

    List<Example> examples() {
        return examples;
    }

    /** Whether a try has ended at its deadline. */
    boolean overdue() {
        return overdue;
    }

    void train() {
        calls.callInTime("train",
                () -> anew ? servers.trainAnew(adapter, seq, epoch)
                        : servers.train(adapter, seq, epoch),
                this::trained, this::notTrained);
    }

    private void trained(TrainReply reply) {
        Failpoints.reach("round-trained");
        end(outcome(reply));
    }

    private PutOutcomeRequest.Builder outcome(TrainReply reply) {
        return ending(reply.getVerdict())
                .setWeightsDigest(reply.getWeightsDigest())
                .setOptimizerDigest(reply.getOptimizerDigest())
                .setProbeFingerprint(reply.getProbeFingerprint())
                .setFigures(reply.getFigures())
                .addAllUntrainable(reply.getUntrainableList());
    }

    private PutOutcomeRequest.Builder ending(Outcome outcome) {
        return PutOutcomeRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch)
                .setOutcome(outcome);
    }

    private void notTrained(CallFailure failure) {
        if (failure.outOfTime()) {
            overdue = true;
            calls.call("capacity", servers::capacity, capacity -> outOfTime(capacity, failure),
                    owner::broken);
        } else if (failure.is("OTHER_BACKEND")) {
            calls.call("capacity", servers::capacity, capacity -> otherBackend(capacity, failure),
                    owner::broken);
        } else if (failure.is("OTHER_BASE")) {
            // Waits for a trainer of that base; its examples are in no danger.
            log.warn("no trainer for round adapter={} seq={} {}", adapter, seq, failure);
            host.after(pace.backoffMax(), this::train);
        } else if (failure.epochLost()) {
            owner.broken(failure);
        } else {
            failed(failure);
        }
    }

    private void outOfTime(Capacity capacity, CallFailure failure) {
        boolean waitedBehindAnother = !capacity.getRunningAdapter().isEmpty()
                && !(capacity.getRunningAdapter().equals(adapter)
                        && capacity.getRunningSeq() == seq);
        if (waitedBehindAnother) {
            log.debug("round waits adapter={} seq={} behind={} {}", adapter, seq,
                    capacity.getRunningAdapter(), capacity.getRunningSeq());
            train();
        } else {
            failed(new CallFailure(failure.code(), "TRAIN_TIMEOUT",
                    "it takes longer than " + pace.trainTimeout()));
        }
    }

    private void otherBackend(Capacity capacity, CallFailure failure) {
        owner.trainedOn(capacity.getBackend());
        if (backend.equals(capacity.getBackend())) {
            host.after(pace.backoffMax(), this::train);
        } else {
            log.warn("round abandoned, its examples are claimed anew adapter={} seq={} {}", adapter,
                    seq, failure);
            end(ending(Outcome.OUTCOME_ABANDONED));
        }
    }

    private void failed(CallFailure failure) {
        failures++;
        if (failures < pace.attemptsMax()) {
            log.warn("round failed adapter={} seq={} attempt={} {}", adapter, seq, failures,
                    failure);
            host.after(pace.backoff(failures), this::train);
        } else {
            givenUp = failure;
            end(ending(Outcome.OUTCOME_REJECTED).setFigures(RoundFigures.newBuilder()
                    .setExamples(examples.size())
                    .setRejectedBecause(
                            "not trained after " + failures + " attempts: " + failure)));
        }
    }

    private void end(PutOutcomeRequest.Builder ending) {
        PutOutcomeRequest request = ending.build();
        calls.call("outcome", () -> servers.putOutcome(request), reply -> {
            Failpoints.reach("round-ended");
            if (givenUp != null) {
                log.error("round quarantined adapter={} seq={} after {} attempts: {}", adapter,
                        seq, failures, givenUp);
            }
            owner.ended(this, request, reply);
            next.run();
        }, failure -> {
            if (failure.is("BLOB_MISSING")) {
                anew = true;
                failed(failure);
            } else if (failure.noAdapter()) {
                log.info("round dropped, its adapter was deleted adapter={} seq={}", adapter, seq);
                owner.deleted(this);
            } else if (failure.is("REPAIR_BEGAN")) {
                owner.repairBegan();
            } else {
                owner.broken(failure);
            }
        });
    }
}
