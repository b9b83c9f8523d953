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
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.StoreCommitGrpc;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.TrainingGrpc;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.store.Store;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.RoundFixture;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A real store and a real trainer, each behind a gRPC server on loopback. */
public final class Loopback implements AutoCloseable {
    public static final String ADAPTER = "news/ranker";
    static final Duration DEADLINE = Duration.ofSeconds(60);

    public final RoundFixture fixture;
    public final StoreClient store;
    final TrainerClient trainer;
    final TrainerService service;

    /** What the trainer takes for time. */
    final AtomicLong nanos = new AtomicLong();
    /** Done before the store answers a request for a manifest. */
    volatile Runnable beforeManifest = () -> {};
    /** Calls for manifests, each the beginning of a run of a round. */
    final AtomicInteger manifestCalls = new AtomicInteger();
    /** Train calls that their callers gave up. */
    final Semaphore left = new Semaphore(0);

    private final Store atRest;
    private final ManagedChannel storeChannel;
    private final Server storeServer;
    private final Server trainerServer;

    Loopback(Path folder, TrainerSettings settings, RoundListener listener) throws IOException {
        this(
                new RoundFixture(
                        Files.createDirectory(folder.resolve("base")), "reference", TinyBase.SMALL,
                        0),
                folder, StoreSettings.DEFAULT, RoundFixture.SETTINGS, settings, listener);
    }

    /** @param fixture whose round the trainer runs; closed with this */
    public Loopback(RoundFixture fixture, Path folder, StoreSettings keeping, RoundSettings round,
            TrainerSettings settings, RoundListener listener) throws IOException {
        this.fixture = fixture;
        atRest =
                Store.open(
                        Files.createDirectory(folder.resolve("store")),
                        keeping,
                        InstantSource.system());
        storeServer =
                serve(atRest.services().stream().map(BindableService::bindService).toList());
        storeChannel =
                Grpc.newChannelBuilder(
                        "localhost:" + storeServer.getPort(), InsecureChannelCredentials.create())
                        .intercept(new ManifestCalls())
                        .build();
        store = StoreClient.over(storeChannel);
        service =
                new TrainerService(
                        new RoundWorker(store, fixture.round, Gate.DEFAULT), settings, listener,
                        nanos::get);
        trainerServer =
                serve(List.of(ServerInterceptors.intercept(service, new LeftCalls()),
                        service.health().bindService()));
        trainer = TrainerClient.connect("localhost:" + trainerServer.getPort());
        create(ADAPTER, round);
    }

    /** Makes an adapter; all that have the same shape start from the same weights. */
    public void create(String adapter, RoundSettings round) {
        AdapterCreation.create(
                store,
                fixture.base,
                new AdapterName(adapter),
                AdapterSettings.ranker().withRound(round));
    }

    /** Claims, trains and ends a round as a driver does; returns how it ended. */
    public Outcome round(String adapter, long seq, List<Example> examples) {
        AcquireEpochReply epoch = store.acquireEpoch(adapter, "test");
        claim(adapter, epoch, seq, fixture.round.binding(), examples);
        TrainReply reply = trainer.train(adapter, seq, epoch.getEpoch(), DEADLINE).join();
        end(adapter, seq, epoch.getEpoch(), reply);
        return reply.getVerdict();
    }

    AcquireEpochReply epoch() {
        return store.acquireEpoch(ADAPTER, "test");
    }

    void claim(AcquireEpochReply epoch, long seq, List<Example> examples) {
        claim(epoch, seq, fixture.round.binding(), examples);
    }

    void claim(AcquireEpochReply epoch, long seq, String backend, List<Example> examples) {
        claim(ADAPTER, epoch, seq, backend, examples);
    }

    private void claim(String adapter, AcquireEpochReply epoch, long seq, String backend,
            List<Example> examples) {
        PutManifestRequest.Builder request =
                PutManifestRequest.newBuilder()
                        .setAdapter(adapter)
                        .setSeq(seq)
                        .setEpoch(epoch.getEpoch())
                        .setParent(store.getAdapter(adapter).getHead())
                        .setSeed(7 + seq)
                        .setBackend(backend);
        for (Example example : examples) {
            request.addExamples(
                    example.toBuilder().setAdapter(adapter).setTenant("default").build());
        }
        store.putManifest(request.build());
    }

    TrainReply train(long seq, long epoch) {
        return trainer.train(ADAPTER, seq, epoch, DEADLINE).join();
    }

    PutOutcomeReply commit(long seq, long epoch, TrainReply reply) {
        return end(ADAPTER, seq, epoch, reply);
    }

    private PutOutcomeReply end(String adapter, long seq, long epoch, TrainReply reply) {
        return store.putOutcome(
                PutOutcomeRequest.newBuilder()
                        .setAdapter(adapter)
                        .setSeq(seq)
                        .setEpoch(epoch)
                        .setOutcome(reply.getVerdict())
                        .setWeightsDigest(reply.getWeightsDigest())
                        .setOptimizerDigest(reply.getOptimizerDigest())
                        .setProbeFingerprint(reply.getProbeFingerprint())
                        .setFigures(reply.getFigures())
                        .addAllUntrainable(reply.getUntrainableList())
                        .build());
    }

    /** Whether the trainer says of itself that it runs rounds. */
    ServingStatus health() {
        ManagedChannel channel =
                Grpc.newChannelBuilder(
                        "localhost:" + trainerServer.getPort(), InsecureChannelCredentials.create())
                        .build();
        try {
            return HealthGrpc.newBlockingStub(channel)
                    .check(HealthCheckRequest.newBuilder()
                            .setService(TrainingGrpc.SERVICE_NAME)
                            .build())
                    .getStatus();
        } finally {
            channel.shutdownNow();
        }
    }

    /** Runs {@link #beforeManifest} on the thread that asks for a manifest. */
    private final class ManifestCalls implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(
                MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            if (method.getFullMethodName()
                    .equals(StoreCommitGrpc.getGetManifestMethod().getFullMethodName())) {
                manifestCalls.incrementAndGet();
                beforeManifest.run();
            }
            return next.newCall(method, options);
        }
    }

    /** Counts callers that left, after the trainer has heard of it. */
    private final class LeftCalls implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            return new ForwardingServerCallListener.SimpleForwardingServerCallListener<Q>(
                    next.startCall(call, headers)) {
                @Override
                public void onCancel() {
                    super.onCancel();
                    left.release();
                }
            };
        }
    }

    private static Server serve(List<ServerServiceDefinition> services) throws IOException {
        var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
        services.forEach(builder::addService);
        return builder.build().start();
    }

    @Override
    public void close() throws Exception {
        service.close();
        trainer.close();
        trainerServer.shutdownNow().awaitTermination();
        storeChannel.shutdownNow();
        storeServer.shutdownNow().awaitTermination();
        atRest.close();
        fixture.close();
    }
}
