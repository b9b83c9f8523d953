package dev.flywheel.trainer.server;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.TrainerClient;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.store.Store;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.RoundFixture;
import io.grpc.BindableService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;

/** A real store and a real trainer, each behind a gRPC server on loopback. */
final class Loopback implements AutoCloseable {
    static final String ADAPTER = "news/ranker";
    static final Duration DEADLINE = Duration.ofSeconds(60);

    final RoundFixture fixture;
    final StoreClient store;
    final TrainerClient trainer;
    final TrainerService service;

    private final Store atRest;
    private final Server storeServer;
    private final Server trainerServer;

    Loopback(Path folder, TrainerSettings settings, RoundListener listener) throws IOException {
        fixture =
                new RoundFixture(
                        Files.createDirectory(folder.resolve("base")), "reference", TinyBase.SMALL,
                        0);
        atRest =
                Store.open(
                        Files.createDirectory(folder.resolve("store")),
                        StoreSettings.DEFAULT,
                        InstantSource.system());
        storeServer = serve(atRest.services());
        store = StoreClient.connect("localhost:" + storeServer.getPort());
        service =
                new TrainerService(
                        new RoundWorker(store, fixture.round, Gate.DEFAULT), settings, listener);
        trainerServer = serve(List.of(service));
        trainer = TrainerClient.connect("localhost:" + trainerServer.getPort());
        AdapterCreation.create(
                store,
                fixture.base,
                new AdapterName(ADAPTER),
                AdapterSettings.ranker().withRound(RoundFixture.SETTINGS));
    }

    AcquireEpochReply epoch() {
        return store.acquireEpoch(ADAPTER, "test");
    }

    void claim(AcquireEpochReply epoch, long seq, List<Example> examples) {
        claim(epoch, seq, fixture.round.binding(), examples);
    }

    void claim(AcquireEpochReply epoch, long seq, String backend, List<Example> examples) {
        PutManifestRequest.Builder request =
                PutManifestRequest.newBuilder()
                        .setAdapter(ADAPTER)
                        .setSeq(seq)
                        .setEpoch(epoch.getEpoch())
                        .setParent(store.getAdapter(ADAPTER).getHead())
                        .setSeed(7)
                        .setBackend(backend);
        for (Example example : examples) {
            request.addExamples(
                    example.toBuilder().setAdapter(ADAPTER).setTenant("default").build());
        }
        store.putManifest(request.build());
    }

    TrainReply train(long seq, long epoch) {
        return trainer.train(ADAPTER, seq, epoch, DEADLINE).join();
    }

    PutOutcomeReply commit(long seq, long epoch, TrainReply reply) {
        return store.putOutcome(
                PutOutcomeRequest.newBuilder()
                        .setAdapter(ADAPTER)
                        .setSeq(seq)
                        .setEpoch(epoch)
                        .setOutcome(Outcome.OUTCOME_COMMITTED)
                        .setWeightsDigest(reply.getWeightsDigest())
                        .setOptimizerDigest(reply.getOptimizerDigest())
                        .setProbeFingerprint(reply.getProbeFingerprint())
                        .setFigures(reply.getFigures())
                        .addAllUntrainable(reply.getUntrainableList())
                        .build());
    }

    private static Server serve(List<? extends BindableService> services) throws IOException {
        var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
        services.forEach(builder::addService);
        return builder.build().start();
    }

    @Override
    public void close() throws Exception {
        service.close();
        trainer.close();
        trainerServer.shutdownNow().awaitTermination();
        store.close();
        storeServer.shutdownNow().awaitTermination();
        atRest.close();
        fixture.close();
    }
}
