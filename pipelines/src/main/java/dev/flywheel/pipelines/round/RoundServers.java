package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.WithdrawReply;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The calls that a driver makes. None blocks; each future fails with {@link io.grpc.StatusRuntimeException} and may complete
 * on any thread.
 */
interface RoundServers extends AutoCloseable {
    CompletableFuture<Capacity> capacity();

    CompletableFuture<List<AdapterRecord>> listAdapters();

    CompletableFuture<AcquireEpochReply> acquireEpoch(String adapter);

    CompletableFuture<List<Manifest>> listOpenManifests(String adapter);

    CompletableFuture<Manifest> getManifest(String adapter, long seq);

    CompletableFuture<PutManifestReply> putManifest(PutManifestRequest request);

    CompletableFuture<PutReplayReply> putReplay(PutReplayRequest request);

    CompletableFuture<List<PendingRepair>> listRepairs();

    CompletableFuture<Repair> forgetWithdrawn(String adapter);

    CompletableFuture<TrainReply> train(String adapter, long seq, long epoch);

    CompletableFuture<WithdrawReply> withdraw(FeedbackKey event);

    /** As {@link #train}, though the reply may be known: the blobs behind it are missing. */
    CompletableFuture<TrainReply> trainAnew(String adapter, long seq, long epoch);

    CompletableFuture<PutOutcomeReply> putOutcome(PutOutcomeRequest request);

    /** Lets a broken connection be tried again at once, instead of after gRPC's own back-off of up to minutes. */
    void reconnect();

    @Override
    void close();
}
