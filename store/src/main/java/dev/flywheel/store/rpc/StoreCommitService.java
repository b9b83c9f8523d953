package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.ForgetWithdrawnRequest;
import dev.flywheel.api.v1.GetManifestRequest;
import dev.flywheel.api.v1.ListOpenManifestsReply;
import dev.flywheel.api.v1.ListOpenManifestsRequest;
import dev.flywheel.api.v1.ListRepairsReply;
import dev.flywheel.api.v1.ListRepairsRequest;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.PutBlobRequest;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.StoreCommitGrpc;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.api.v1.WithdrawRequest;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.Limits;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.InstantSource;

/** {@code flywheel.v1.StoreCommit}: the commit log of training. Thread-safe; no thread waits for the disk's sync. */
public final class StoreCommitService extends StoreCommitGrpc.StoreCommitImplBase {
    private final Committer committer;
    private final CommitHistory history;
    private final Limits limits;
    private final Requests requests;
    private final InstantSource clock;
    private final Budget budget;

    public StoreCommitService(Committer committer, CommitHistory history, Limits limits,
            InstantSource clock, Transfers transfers) {
        this.committer = committer;
        this.history = history;
        this.limits = limits;
        this.requests = new Requests(limits);
        this.clock = clock;
        this.budget = transfers.budget();
    }

    @Override
    public void acquireEpoch(AcquireEpochRequest request, StreamObserver<AcquireEpochReply> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.AcquireEpoch(request, clock.millis()));
    }

    @Override
    public void putManifest(PutManifestRequest request, StreamObserver<PutManifestReply> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.PutManifest(request, clock.millis()));
    }

    @Override
    public void putReplay(PutReplayRequest request, StreamObserver<PutReplayReply> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.PutReplay(request, clock.millis()));
    }

    @Override
    public void listRepairs(ListRepairsRequest request, StreamObserver<ListRepairsReply> out) {
        Replies.read(out, () -> {
            ListRepairsReply.Builder reply = ListRepairsReply.newBuilder();
            for (AdapterState adapter : committer.feed().state().sorted()) {
                if (!adapter.deleted()
                        && (adapter.record().hasRepair() || !adapter.withdrawn().isEmpty())) {
                    reply.addRepairs(PendingRepair.newBuilder()
                            .setAdapter(adapter.name())
                            .setUnderWay(adapter.record().hasRepair())
                            .setWithdrawnAtMillis(adapter.withdrawn()
                                    .values()
                                    .stream()
                                    .mapToLong(Long::longValue)
                                    .min()
                                    .orElse(0)));
                }
            }
            return reply.build();
        });
    }

    @Override
    public void forgetWithdrawn(ForgetWithdrawnRequest request, StreamObserver<Repair> out) {
        Replies.decide(out, committer, () -> Fields.adapter("adapter", request.getAdapter()),
                new Command.ForgetWithdrawn(request.getAdapter(), clock.millis()));
    }

    @Override
    public void getManifest(GetManifestRequest request, StreamObserver<Manifest> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter(request.getAdapter());
            Fields.number("seq", request.getSeq());
            Manifest manifest = request.getSeq() >= adapter.nextSeq() ? null
                    : history.manifest(adapter.name(), request.getSeq());
            if (manifest == null) {
                throw Errors.noManifest(adapter.name(), request.getSeq(),
                        history.expired(adapter.name(), request.getSeq()) != null);
            }
            return manifest;
        });
    }

    @Override
    public void listOpenManifests(ListOpenManifestsRequest request,
            StreamObserver<ListOpenManifestsReply> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter(request.getAdapter());
            ListOpenManifestsReply.Builder reply = ListOpenManifestsReply.newBuilder();
            for (long seq : adapter.open().keySet()) {
                Manifest manifest = history.manifest(adapter.name(), seq);
                if (manifest == null) {
                    throw new IllegalStateException("open manifest " + seq + " is gone");
                }
                reply.addManifests(manifest);
            }
            return reply.build();
        });
    }

    @Override
    public StreamObserver<PutBlobRequest> putBlob(StreamObserver<PutBlobReply> out) {
        return new BlobUpload((ServerCallStreamObserver<PutBlobReply>) out, committer, budget,
                limits.blobBytesMax());
    }

    @Override
    public void withdraw(WithdrawRequest request, StreamObserver<WithdrawReply> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.WithdrawFeedback(request, clock.millis()));
    }

    @Override
    public void putOutcome(PutOutcomeRequest request, StreamObserver<PutOutcomeReply> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.PutOutcome(request, clock.millis()));
    }

    private AdapterState adapter(String name) {
        Fields.adapter("adapter", name);
        AdapterState adapter = committer.feed().state().adapter(name);
        if (adapter == null) {
            throw Errors.notFound("ADAPTER_NOT_FOUND", "adapter " + name);
        }
        return adapter;
    }
}
