package dev.flywheel.pipelines.round;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.TrainerClient;
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
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Store and trainer over gRPC. Owns its channels. Thread-safe. */
final class GrpcServers implements RoundServers {
    private static final Duration CAPACITY_TIMEOUT = Duration.ofSeconds(10);

    private final ManagedChannel storeChannel;
    private final ManagedChannel trainerChannel;
    private final StoreClient store;
    private final TrainerClient trainer;
    private final String writer;
    private final Duration trainTimeout;

    GrpcServers(ServerTargets targets, String writer, Duration trainTimeout) {
        this.storeChannel = channel(targets.store());
        this.trainerChannel = channel(targets.trainer());
        this.store = StoreClient.over(storeChannel);
        this.trainer = new TrainerClient(trainerChannel);
        this.writer = writer;
        this.trainTimeout = trainTimeout;
    }

    private static ManagedChannel channel(String target) {
        return Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
    }

    @Override
    public CompletableFuture<Capacity> capacity() {
        return trainer.capacity(CAPACITY_TIMEOUT);
    }

    @Override
    public CompletableFuture<List<AdapterRecord>> listAdapters() {
        return store.listAdaptersAsync();
    }

    @Override
    public CompletableFuture<AcquireEpochReply> acquireEpoch(String adapter) {
        return store.acquireEpochAsync(adapter, writer);
    }

    @Override
    public CompletableFuture<List<Manifest>> listOpenManifests(String adapter) {
        return store.listOpenManifestsAsync(adapter);
    }

    @Override
    public CompletableFuture<Manifest> getManifest(String adapter, long seq) {
        return store.getManifestAsync(adapter, seq);
    }

    @Override
    public CompletableFuture<PutManifestReply> putManifest(PutManifestRequest request) {
        return store.putManifestAsync(request);
    }

    @Override
    public CompletableFuture<PutReplayReply> putReplay(PutReplayRequest request) {
        return store.putReplayAsync(request);
    }

    @Override
    public CompletableFuture<List<PendingRepair>> listRepairs() {
        return store.listRepairsAsync();
    }

    @Override
    public CompletableFuture<Repair> forgetWithdrawn(String adapter) {
        return store.forgetWithdrawnAsync(adapter);
    }

    @Override
    public CompletableFuture<TrainReply> train(String adapter, long seq, long epoch) {
        return trainer.train(adapter, seq, epoch, trainTimeout);
    }

    @Override
    public CompletableFuture<WithdrawReply> withdraw(FeedbackKey event) {
        return store.withdrawAsync(event);
    }

    @Override
    public CompletableFuture<TrainReply> trainAnew(String adapter, long seq, long epoch) {
        return trainer.trainAnew(adapter, seq, epoch, trainTimeout);
    }

    @Override
    public CompletableFuture<PutOutcomeReply> putOutcome(PutOutcomeRequest request) {
        return store.putOutcomeAsync(request);
    }

    @Override
    public void reconnect() {
        storeChannel.resetConnectBackoff();
        trainerChannel.resetConnectBackoff();
    }

    @Override
    public void close() {
        store.close();
        trainer.close();
        storeChannel.shutdownNow();
    }
}
