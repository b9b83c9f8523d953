package dev.flywheel.itest.loop;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.GetCapacityRequest;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.TrainRequest;
import dev.flywheel.api.v1.TrainingGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** "Trains" by storing the manifest's own bytes as weights: deterministic, and quick enough to see the driver's own time. */
final class QuickTrainer extends TrainingGrpc.TrainingImplBase {
    static final String BACKEND = "quick";

    private final StoreClient store;
    /** Calls that are refused as unavailable before one is served. */
    final AtomicInteger failures = new AtomicInteger();

    volatile Outcome verdict = Outcome.OUTCOME_COMMITTED;

    /** While it is not at zero, rounds hang. */
    volatile CountDownLatch held = new CountDownLatch(0);

    QuickTrainer(StoreClient store) {
        this.store = store;
    }

    @Override
    public void train(TrainRequest request, StreamObserver<TrainReply> reply) {
        if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            reply.onError(Status.UNAVAILABLE.withDescription("asked to fail").asRuntimeException());
            return;
        }
        try {
            held.await();
            Manifest manifest = store.getManifest(request.getAdapter(), request.getSeq());
            String digest = store.putBlob(manifest.toByteArray()).getDigest();
            reply.onNext(TrainReply.newBuilder()
                    .setVerdict(verdict)
                    .setWeightsDigest(digest)
                    .setOptimizerDigest(digest)
                    .setProbeFingerprint("00")
                    .setFigures(RoundFigures.newBuilder().setExamples(manifest.getExamplesCount()))
                    .setBackend(BACKEND)
                    .build());
            reply.onCompleted();
        } catch (RuntimeException e) {
            reply.onError(Status.fromThrowable(e).asRuntimeException());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void getCapacity(GetCapacityRequest request, StreamObserver<Capacity> reply) {
        reply.onNext(Capacity.newBuilder().setTrainerId("t").setBackend(BACKEND).build());
        reply.onCompleted();
    }
}
