package dev.flywheel.trainer.lineage;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.trainer.gate.Verdict;
import dev.flywheel.trainer.lineage.Chain.State;
import dev.flywheel.trainer.lineage.LineageException.Code;
import dev.flywheel.trainer.round.ManifestRounds;
import dev.flywheel.trainer.round.RoundResult;
import dev.flywheel.trainer.round.UnfitParentException;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/** A line of rounds under way: each that passes the gate moves it on, as a commit moves HEAD. */
final class Line {
    private final ManifestRounds rounds;
    private final Chain chain;
    private final BooleanSupplier stopped;
    private State state;

    /** Begins where the chain starts. */
    Line(ManifestRounds rounds, Chain chain, BooleanSupplier stopped) {
        this.rounds = rounds;
        this.chain = chain;
        this.stopped = stopped;
        this.state = chain.state();
    }

    State state() {
        return state;
    }

    /** Trains a manifest on what the line has come to; moves it on if the gate lets the candidate pass. */
    Verdict train(Manifest manifest) {
        ManifestRounds.Judged judged = run(manifest);
        if (judged.verdict() instanceof Verdict.Passed) {
            state = state(Objects.requireNonNull(judged.result()));
        }
        return judged.verdict();
    }

    private ManifestRounds.Judged run(Manifest manifest) {
        try {
            return rounds.run(manifest, chain.parent(state), stopped);
        } catch (UnfitParentException unfit) {
            throw new LineageException(
                    Code.UNFIT,
                    "version %d of %s cannot be trained on here: %s; give the settings that its node has (engine.rank_max)"
                            .formatted(
                                    manifest.getParent(), manifest.getAdapter(),
                                    unfit.getMessage()),
                    unfit);
        }
    }

    private static State state(RoundResult result) {
        return new State(
                new Digests(
                        Digest.of(result.weightsBytes()).hex(),
                        Digest.of(result.optimizerBytes()).hex(),
                        result.probeFingerprint()),
                result.weightsBytes(),
                result.optimizerBytes());
    }
}
