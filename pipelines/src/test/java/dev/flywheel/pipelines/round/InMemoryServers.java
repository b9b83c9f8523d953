package dev.flywheel.pipelines.round;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedExample;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.api.v1.WithdrawReply;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** One adapter's store and trainer by the rules of a round's six steps (ARCHITECTURE.md), and the faults that a test asks for. */
final class InMemoryServers implements RoundServers {
    /** What happens to a call. */
    enum Fault {
        NONE, LOST_REQUEST, LOST_REPLY
    }

    boolean adapterExists = true;
    String backend = "b1";
    int examplesMax = 8;
    GuardSettings guard = GuardSettings.getDefaultInstance();
    Supplier<Fault> faults = () -> Fault.NONE;
    /** Fails a round for a reason that does not pass; null trains it. */
    Function<Manifest, Throwable> trainFailure = manifest -> null;
    /** Examples that the trainer names as those it could not train on. */
    Predicate<Example> untrainable = example -> false;
    /** Fails a look at a manifest; null shows it. */
    Supplier<Throwable> manifestFailure = () -> null;
    /** Fails a look at the manifests left open; null shows them. */
    Supplier<Throwable> openFailure = () -> null;
    /** What the trainer says it runs, "" nothing. */
    String runningAdapter = "";
    /** Outcomes that find a blob missing, until the round is trained anew. */
    boolean blobMissing;
    boolean healsAnew = true;
    /** Fails a claim; null takes it. */
    Function<PutManifestRequest, Throwable> claimFailure = request -> null;

    final List<String> calls = new ArrayList<>();
    final Map<Long, Manifest> manifests = new LinkedHashMap<>();
    final Map<Long, Outcome> outcomes = new HashMap<>();
    private final Set<String> quarantined = new HashSet<>();
    private final Map<Object, Long> claims = new HashMap<>();
    private final Set<FeedbackKey> withdrawn = new HashSet<>();
    final Map<Long, String> because = new HashMap<>();
    final Map<Long, PutManifestRequest> requests = new HashMap<>();
    private final Map<Long, PutManifestReply> replies = new HashMap<>();
    long revision = 1;
    long epoch;
    /** Manifests that a repair has replaced and nobody has claimed again and ended yet. */
    final Deque<Long> toReplay = new ArrayDeque<>();
    private long repairEpoch;
    private long head;
    private long nextSeq = 1;

    static Throwable error(Status.Code code, String reason) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage(reason)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()))
                .build());
    }

    private <T> CompletableFuture<T> call(String name, Supplier<CompletableFuture<T>> body) {
        Fault fault = faults.get();
        calls.add(name);
        if (fault == Fault.LOST_REQUEST) {
            return CompletableFuture.failedFuture(Status.UNAVAILABLE.asRuntimeException());
        }
        CompletableFuture<T> reply = body.get();
        return fault == Fault.LOST_REPLY
                ? CompletableFuture.failedFuture(Status.DEADLINE_EXCEEDED.asRuntimeException())
                : reply;
    }

    private static <T> CompletableFuture<T> failed(Throwable failure) {
        return CompletableFuture.failedFuture(failure);
    }

    @Override
    public CompletableFuture<Capacity> capacity() {
        return call("capacity",
                () -> CompletableFuture
                        .completedFuture(Capacity.newBuilder()
                                .setBackend(backend)
                                .setRunningAdapter(runningAdapter)
                                .setRunningSeq(1)
                                .build()));
    }

    @Override
    public CompletableFuture<List<AdapterRecord>> listAdapters() {
        return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public CompletableFuture<AcquireEpochReply> acquireEpoch(String adapter) {
        return call("epoch", () -> {
            if (!adapterExists) {
                return failed(error(Status.Code.NOT_FOUND, "ADAPTER_NOT_FOUND"));
            }
            epoch++;
            return CompletableFuture.completedFuture(AcquireEpochReply.newBuilder()
                    .setEpoch(epoch)
                    .setHead(head)
                    .setNextSeq(nextSeq)
                    .setAdapter(adapter())
                    .build());
        });
    }

    private Throwable stale() {
        return error(Status.Code.FAILED_PRECONDITION,
                epoch == repairEpoch ? "REPAIR_BEGAN" : "STALE_EPOCH");
    }

    private AdapterRecord adapter() {
        AdapterRecord.Builder record = AdapterRecord.newBuilder();
        if (!toReplay.isEmpty()) {
            record.setRepair(Repair.getDefaultInstance());
        }
        return record
                .setRevision(revision)
                .setHead(head)
                .setRound(RoundSettings.newBuilder().setExamplesMax(examplesMax))
                .setLearning(LearningSettings.newBuilder().setGuard(guard))
                .build();
    }

    void configure(GuardSettings newGuard) {
        guard = newGuard;
        revision++;
    }

    void configure(int newExamplesMax) {
        examplesMax = newExamplesMax;
        revision++;
    }

    /** As the store does it: what is open is abandoned, the writer is shut out, and these are to be trained again. */
    void repair(Long... seqs) {
        epoch++;
        repairEpoch = epoch;
        openManifests().forEach(open -> end(open.getSeq(), Outcome.OUTCOME_ABANDONED));
        toReplay.addAll(List.of(seqs));
        head = 0;
    }

    @Override
    public CompletableFuture<PutReplayReply> putReplay(PutReplayRequest request) {
        return call("replay", () -> {
            if (request.getEpoch() != epoch) {
                return failed(stale());
            }
            if (request.getSeq() < nextSeq) {
                return CompletableFuture.completedFuture(replayed(request.getSeq()));
            }
            if (toReplay.isEmpty()) {
                return failed(error(Status.Code.FAILED_PRECONDITION, "NOTHING_TO_REPAIR"));
            }
            if (request.getParent() != head) {
                return failed(error(Status.Code.FAILED_PRECONDITION, "HEAD_MOVED"));
            }
            return CompletableFuture.completedFuture(replay(request));
        });
    }

    private PutReplayReply replay(PutReplayRequest request) {
        Manifest replaced = manifests.get(toReplay.getFirst());
        List<Example> kept = replaced.getExamplesList()
                .stream()
                .filter(example -> example.getFeedbackList()
                        .stream()
                        .noneMatch(withdrawn::contains))
                .toList();
        if (kept.isEmpty()) {
            toReplay.removeFirst();
            return PutReplayReply.newBuilder().setAdapter(adapter()).build();
        }
        nextSeq = request.getSeq() + 1;
        manifests.put(request.getSeq(), replaced.toBuilder()
                .setSeq(request.getSeq())
                .setEpoch(request.getEpoch())
                .setParent(request.getParent())
                .setBackend(request.getBackend())
                .setReplays(replaced.getSeq())
                .clearExamples()
                .addAllExamples(kept)
                .build());
        return replayed(request.getSeq());
    }

    private PutReplayReply replayed(long seq) {
        return PutReplayReply.newBuilder()
                .setReplays(manifests.get(seq).getReplays())
                .setClaimed(manifests.get(seq).getExamplesCount())
                .setAdapter(adapter())
                .build();
    }

    @Override
    public CompletableFuture<List<PendingRepair>> listRepairs() {
        return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public CompletableFuture<Repair> forgetWithdrawn(String adapter) {
        return CompletableFuture.completedFuture(Repair.getDefaultInstance());
    }

    /** As the store does it: what is open is abandoned, and nobody writes any more. */
    void delete() {
        adapterExists = false;
        epoch++;
        openManifests().forEach(open -> end(open.getSeq(), Outcome.OUTCOME_ABANDONED));
    }

    @Override
    public CompletableFuture<List<Manifest>> listOpenManifests(String adapter) {
        return call("open", () -> {
            Throwable failure = openFailure.get();
            return failure == null ? CompletableFuture.completedFuture(openManifests())
                    : failed(failure);
        });
    }

    private List<Manifest> openManifests() {
        return manifests.values()
                .stream()
                .filter(manifest -> !outcomes.containsKey(manifest.getSeq()))
                .toList();
    }

    /** Claims for an earlier driver, which then does nothing more. */
    void leaveOpen(Example... examples) {
        claim(PutManifestRequest.newBuilder()
                .setSeq(nextSeq)
                .setEpoch(epoch)
                .setParent(head)
                .setBackend(backend)
                .addAllExamples(List.of(examples))
                .build());
    }

    @Override
    public CompletableFuture<Manifest> getManifest(String adapter, long seq) {
        return call("manifest", () -> {
            Throwable failure = manifestFailure.get();
            return failure == null ? CompletableFuture.completedFuture(manifests.get(seq))
                    : failed(failure);
        });
    }

    @Override
    public CompletableFuture<PutManifestReply> putManifest(PutManifestRequest request) {
        return call("claim", () -> {
            Throwable failure = claimFailure.apply(request);
            if (failure != null) {
                return failed(failure);
            }
            if (!adapterExists) {
                return failed(error(Status.Code.NOT_FOUND, "ADAPTER_NOT_FOUND"));
            }
            if (request.getEpoch() != epoch) {
                return failed(stale());
            }
            if (request.getSeq() < nextSeq) {
                return request.equals(requests.get(request.getSeq()))
                        ? CompletableFuture.completedFuture(replies.get(request.getSeq()))
                        : failed(error(Status.Code.FAILED_PRECONDITION, "SEQ_TAKEN"));
            }
            if (request.getParent() != head) {
                return failed(error(Status.Code.FAILED_PRECONDITION, "HEAD_MOVED"));
            }
            if (request.getExamplesCount() > examplesMax) {
                return failed(error(Status.Code.INVALID_ARGUMENT, "TOO_MANY_EXAMPLES"));
            }
            if (outcomes.size() < manifests.size()) {
                throw new AssertionError("a second round was claimed while one was in flight");
            }
            return CompletableFuture.completedFuture(claim(request));
        });
    }

    /** Both an example and the events behind it are claimed. */
    private static List<Object> idsOf(Example example) {
        List<Object> ids = new ArrayList<>(example.getFeedbackList());
        ids.add(example.getExampleId());
        return ids;
    }

    private PutManifestReply claim(PutManifestRequest request) {
        PutManifestReply.Builder reply = PutManifestReply.newBuilder().setSeq(request.getSeq());
        List<Example> kept = new ArrayList<>();
        for (Example example : request.getExamplesList()) {
            Long claim = idsOf(example).stream()
                    .map(claims::get)
                    .filter(Objects::nonNull)
                    .findFirst()
                    .orElse(null);
            if (claim == null && example.getFeedbackList().stream().anyMatch(withdrawn::contains)) {
                reply.addRefused(RefusedExample.newBuilder()
                        .setExampleId(example.getExampleId())
                        .setReason(RefusalReason.REFUSAL_REASON_RETRACTED));
            } else if (claim == null) {
                kept.add(example);
                idsOf(example).forEach(id -> claims.put(id, request.getSeq()));
            } else {
                reply.addRefused(RefusedExample.newBuilder()
                        .setExampleId(example.getExampleId())
                        .setReason(RefusalReason.REFUSAL_REASON_DUPLICATE)
                        .setManifestSeq(claim));
            }
        }
        reply.setClaimed(kept.size());
        if (request.getAdapterRevision() != revision) {
            reply.setAdapter(adapter());
        }
        if (!kept.isEmpty()) {
            nextSeq = request.getSeq() + 1;
            manifests.put(request.getSeq(), Manifest.newBuilder()
                    .setSeq(request.getSeq())
                    .setEpoch(request.getEpoch())
                    .setParent(request.getParent())
                    .setBackend(request.getBackend())
                    .setSeed(request.getSeed())
                    .addAllExamples(kept)
                    .build());
            requests.put(request.getSeq(), request);
            replies.put(request.getSeq(), reply.build());
        }
        return reply.build();
    }

    @Override
    public CompletableFuture<TrainReply> train(String adapter, long seq, long callersEpoch) {
        return call("train " + seq, () -> {
            Manifest manifest = manifests.get(seq);
            if (!manifest.getBackend().equals(backend)) {
                return failed(error(Status.Code.FAILED_PRECONDITION, "OTHER_BACKEND"));
            }
            Throwable failure = trainFailure.apply(manifest);
            return failure == null ? CompletableFuture.completedFuture(trained(manifest))
                    : failed(failure);
        });
    }

    private TrainReply trained(Manifest manifest) {
        TrainReply.Builder reply =
                TrainReply.newBuilder().setVerdict(Outcome.OUTCOME_COMMITTED);
        manifest.getExamplesList()
                .stream()
                .filter(untrainable)
                .forEach(example -> reply
                        .addUntrainable(UntrainableExample.newBuilder()
                                .setExampleId(example.getExampleId())
                                .setReason(UntrainableReason.UNTRAINABLE_REASON_TOO_LONG)));
        return reply.build();
    }

    @Override
    public CompletableFuture<WithdrawReply> withdraw(FeedbackKey event) {
        return call("withdraw", () -> {
            withdrawn.add(event);
            Long claim = claims.get(event);
            return CompletableFuture.completedFuture(claim == null
                    ? WithdrawReply.getDefaultInstance()
                    : WithdrawReply.newBuilder()
                            .setManifestSeq(claim)
                            .setAdapter("a")
                            .setOpen(!outcomes.containsKey(claim))
                            .build());
        });
    }

    @Override
    public CompletableFuture<TrainReply> trainAnew(String adapter, long seq, long callersEpoch) {
        calls.add("anew");
        if (healsAnew) {
            blobMissing = false;
        }
        return train(adapter, seq, callersEpoch);
    }

    @Override
    public CompletableFuture<PutOutcomeReply> putOutcome(PutOutcomeRequest request) {
        return call(request.getOutcome().name() + " " + request.getSeq(), () -> {
            if (blobMissing && request.getOutcome() == Outcome.OUTCOME_COMMITTED) {
                return failed(error(Status.Code.FAILED_PRECONDITION, "BLOB_MISSING"));
            }
            because.put(request.getSeq(), request.getFigures().getRejectedBecause());
            if (!adapterExists) {
                return outcomes.get(request.getSeq()) == request.getOutcome()
                        ? CompletableFuture.completedFuture(PutOutcomeReply.getDefaultInstance())
                        : failed(error(Status.Code.NOT_FOUND, "ADAPTER_NOT_FOUND"));
            }
            if (request.getEpoch() != epoch) {
                return failed(stale());
            }
            Outcome before = end(request.getSeq(), request.getOutcome());
            if (before == null && request.getOutcome() == Outcome.OUTCOME_COMMITTED) {
                head++;
                request.getUntrainableList()
                        .forEach(example -> quarantined.add(example.getExampleId()));
            }
            return CompletableFuture
                    .completedFuture(PutOutcomeReply.newBuilder().setHead(head).build());
        });
    }

    /** Returns how it had ended before, if it had. */
    private Outcome end(long seq, Outcome outcome) {
        Outcome before = outcomes.putIfAbsent(seq, outcome);
        boolean replays = manifests.get(seq).getReplays() != 0;
        if (before == null && outcome == Outcome.OUTCOME_ABANDONED && !replays) {
            claims.values().removeIf(each -> each == seq);
        }
        if (before == null && outcome != Outcome.OUTCOME_ABANDONED && replays) {
            toReplay.removeFirst();
        }
        return before;
    }

    @Override
    public void reconnect() {}

    @Override
    public void close() {}

    /** Examples of manifests that were not abandoned. */
    List<Example> live() {
        List<Example> examples = new ArrayList<>();
        manifests.forEach((seq, manifest) -> {
            if (outcomes.get(seq) != Outcome.OUTCOME_ABANDONED) {
                examples.addAll(manifest.getExamplesList());
            }
        });
        return examples;
    }

    List<FeedbackKey> trained() {
        List<FeedbackKey> keys = new ArrayList<>();
        live().stream()
                .filter(example -> !quarantined.contains(example.getExampleId()))
                .forEach(example -> keys.addAll(example.getFeedbackList()));
        return keys;
    }
}
