package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.trainer.adapter.RoundRanges;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.gate.Verdict;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * From a manifest and its parent to a judged candidate: the one way that there is, for the trainer when
 * a round is claimed and for whoever trains it again later (P12).
 *
 * <p>One thread at a time; the round is the caller's.
 */
public final class ManifestRounds {
    private final Round round;
    private final Gate gate;

    public ManifestRounds(Round round, Gate gate) {
        this.round = round;
        this.gate = gate;
    }

    /**
     * A round that ran, or that could not.
     *
     * @param result null if the manifest's settings allow no round at all
     */
    public record Judged(Verdict verdict, @Nullable RoundResult result) {}

    /** Returns what a round's digest is bound to here, see {@link Round#binding}. */
    public String binding() {
        return round.binding();
    }

    public String baseDigest() {
        return round.baseDigest();
    }

    /**
     * Trains what the manifest says on the parent and judges the candidate. Whether it is bound to this
     * base and this device, and to that parent, is for the caller to check.
     *
     * @throws RoundStoppedException if it was stopped
     * @throws UnfitParentException if the parent is not for this base model or device
     */
    public Judged run(Manifest manifest, Parent parent, BooleanSupplier stopped) {
        List<String> problems = RoundRanges.problems(manifest.getSettings());
        if (!problems.isEmpty()) {
            // Settings stand in the manifest for good: the round can never be run.
            return new Judged(
                    new Verdict.Refused(
                            String.join("; ", problems) + "; configure the adapter"),
                    null);
        }
        RoundResult result = round.run(RoundInput.of(manifest, parent), stopped);
        return new Judged(verdict(manifest, result), result);
    }

    private Verdict verdict(Manifest manifest, RoundResult result) {
        if (result.figures().getExamples() == 0) {
            return new Verdict.Refused("none of its " + manifest.getExamplesCount()
                    + " examples could be trained on; untrainable says why");
        }
        return gate.judge(result.evidence(), manifest.getSettings().getNormMax());
    }
}
