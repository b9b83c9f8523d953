package dev.flywheel.trainer.server;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.OptimizerState;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.trainer.adapter.Conversions;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.gate.Verdict;
import dev.flywheel.trainer.round.ManifestRounds;
import dev.flywheel.trainer.round.Parent;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundResult;
import dev.flywheel.trainer.round.UnfitParentException;
import dev.flywheel.trainer.round.Untrainable;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one claimed round from its manifest to uploaded blobs and a verdict.
 *
 * <p>Used by one thread. The store is read and written through its client only; nothing is
 * committed here, so a round that is run twice, or whose reply is lost, leaves no trace but blobs
 * under their digests.
 */
public final class RoundWorker {
    private static final Logger LOG = LoggerFactory.getLogger(RoundWorker.class);

    private final StoreClient store;
    private final ManifestRounds rounds;

    public RoundWorker(StoreClient store, Round round, Gate gate) {
        this.store = store;
        this.rounds = new ManifestRounds(round, gate);
    }

    /** What a finished round tells its callers, and what it tells the operator. */
    record Done(TrainReply reply, RoundReport report) {}

    String binding() {
        return rounds.binding();
    }

    String baseDigest() {
        return rounds.baseDigest();
    }

    Done run(RoundKey key, BooleanSupplier stopped) {
        Manifest manifest = store.getManifest(key.adapter(), key.seq());
        requireOurs(manifest, key);
        ManifestRounds.Judged judged = train(manifest, stopped);
        Failpoints.reach("trained");
        RoundResult result = judged.result();
        return switch (judged.verdict()) {
            case Verdict.Passed passed -> committed(key, Objects.requireNonNull(result));
            case Verdict.Refused refused -> result == null
                    ? refused(key, refused.because())
                    : rejected(key, result, refused.because());
        };
    }

    private ManifestRounds.Judged train(Manifest manifest, BooleanSupplier stopped) {
        try {
            return rounds.run(manifest, parent(manifest), stopped);
        } catch (UnfitParentException unfit) {
            throw unreadable(manifest, unfit);
        }
    }

    private void requireOurs(Manifest manifest, RoundKey key) {
        if (!manifest.getBaseDigest().equals(rounds.baseDigest())) {
            throw Failures.notHere(
                    "OTHER_BASE",
                    "round %s %d is of base %s, this trainer has %s; ask a trainer of that base"
                            .formatted(
                                    key.adapter(),
                                    key.seq(),
                                    manifest.getBaseDigest(),
                                    rounds.baseDigest()),
                    Map.of("expected", manifest.getBaseDigest(), "actual", rounds.baseDigest()));
        }
        if (!manifest.getBackend().equals(rounds.binding())) {
            throw Failures.notHere(
                    "OTHER_BACKEND",
                    "round %s %d is bound to %s, this trainer is %s; its digest holds there only"
                            .formatted(
                                    key.adapter(),
                                    key.seq(),
                                    manifest.getBackend(),
                                    rounds.binding()),
                    Map.of("expected", manifest.getBackend(), "actual", rounds.binding()));
        }
        if (Long.compareUnsigned(key.epoch(), manifest.getEpoch()) < 0) {
            throw Failures.notHere(
                    "OLD_EPOCH",
                    "round %s %d was claimed in epoch %d, the call is of epoch %d; take a new epoch"
                            .formatted(key.adapter(), key.seq(), manifest.getEpoch(), key.epoch()),
                    Map.of());
        }
    }

    private Parent parent(Manifest manifest) {
        VersionRecord version = store.getVersion(manifest.getAdapter(), manifest.getParent());
        String digest = version.getRef().getDigest();
        if (!digest.equals(manifest.getParentDigest())) {
            throw Failures.notHere(
                    "OTHER_PARENT",
                    "version %d of %s has digest %s, the manifest says %s"
                            .formatted(
                                    manifest.getParent(),
                                    manifest.getAdapter(),
                                    digest,
                                    manifest.getParentDigest()),
                    Map.of("expected", manifest.getParentDigest(), "actual", digest));
        }
        return new Parent(
                digest, version.getOptimizerDigest(), () -> content(manifest, version));
    }

    private Parent.Content content(Manifest manifest, VersionRecord version) {
        AdapterRecord adapter = store.getAdapter(manifest.getAdapter());
        String optimizer = version.getOptimizerDigest();
        try {
            return new Parent.Content(
                    LoraWeights.fromSafetensors(
                            Conversions.loraConfig(adapter.getLora()),
                            store.getBlob(version.getRef().getDigest())),
                    optimizer.isEmpty()
                            ? null
                            : OptimizerState.fromSafetensors(store.getBlob(optimizer)));
        } catch (AdapterException unreadable) {
            throw unreadable(manifest, unreadable);
        }
    }

    private static StatusRuntimeException unreadable(Manifest manifest, Exception why) {
        return Failures.notHere(
                "UNREADABLE_PARENT",
                "version %d of %s cannot be trained on here: %s"
                        .formatted(manifest.getParent(), manifest.getAdapter(), why.getMessage()),
                Map.of());
    }

    private Done committed(RoundKey key, RoundResult result) {
        CompletableFuture<PutBlobReply> weights = store.putBlobAsync(result.weightsBytes());
        CompletableFuture<PutBlobReply> optimizer = store.putBlobAsync(result.optimizerBytes());
        TrainReply reply =
                TrainReply.newBuilder()
                        .setVerdict(Outcome.OUTCOME_COMMITTED)
                        .setWeightsDigest(join(weights).getDigest())
                        .setOptimizerDigest(join(optimizer).getDigest())
                        .setProbeFingerprint(result.probeFingerprint())
                        .setFigures(result.figures())
                        .setBackend(rounds.binding())
                        .addAllUntrainable(untrainable(result.untrainable()))
                        .build();
        return done(key, result.untrainable(), reply);
    }

    private Done rejected(RoundKey key, RoundResult result, String because) {
        return rejected(key, result.figures(), result.untrainable(), because);
    }

    /** Nothing was run, so there is nothing that was measured. */
    private Done refused(RoundKey key, String because) {
        return rejected(key, RoundFigures.getDefaultInstance(), List.of(), because);
    }

    private Done rejected(
            RoundKey key, RoundFigures figures, List<Untrainable> left, String because) {
        TrainReply reply =
                TrainReply.newBuilder()
                        .setVerdict(Outcome.OUTCOME_REJECTED)
                        .setFigures(figures.toBuilder().setRejectedBecause(because))
                        .setBackend(rounds.binding())
                        .addAllUntrainable(untrainable(left))
                        .build();
        return done(key, left, reply);
    }

    private static List<UntrainableExample> untrainable(List<Untrainable> untrainable) {
        return untrainable.stream()
                .map(left -> UntrainableExample.newBuilder()
                        .setExampleId(left.exampleId())
                        .setReason(left.reason())
                        .setDetail(left.detail())
                        .build())
                .toList();
    }

    private static Done done(RoundKey key, List<Untrainable> untrainable, TrainReply reply) {
        RoundFigures figures = reply.getFigures();
        LOG.info(
                "round done: adapter {} seq {} {} examples {} replayed {} users {} choices worth {}"
                        + " loss {} -> {} {}",
                key.adapter(),
                key.seq(),
                reply.getVerdict(),
                figures.getExamplesByKindMap(),
                figures.getReplayed(),
                figures.getUsers(),
                figures.getEffectiveSampleSize(),
                figures.getLossBefore(),
                figures.getLossAfter(),
                figures.getRejectedBecause());
        untrainable.forEach(
                left -> LOG.warn(
                        "example not trained: adapter {} seq {} example {} {}: {}",
                        key.adapter(),
                        key.seq(),
                        left.exampleId(),
                        left.reason(),
                        left.detail()));
        boolean committed = reply.getVerdict() == Outcome.OUTCOME_COMMITTED;
        return new Done(reply, new RoundReport(key, committed, figures, untrainable));
    }

    private static PutBlobReply join(CompletableFuture<PutBlobReply> upload) {
        try {
            return upload.join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof StatusRuntimeException status) {
                throw status;
            }
            throw failed;
        }
    }
}
