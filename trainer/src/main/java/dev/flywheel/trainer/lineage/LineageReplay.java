package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.gate.Verdict;
import dev.flywheel.trainer.lineage.LineageException.Code;
import dev.flywheel.trainer.round.ManifestRounds;
import dev.flywheel.trainer.round.Round;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Trains versions again from their manifests, with the rounds that a trainer runs (P12).
 *
 * <p>It starts at the nearest ancestor whose weights and optimizer state are still kept, and takes every
 * manifest on the parent chain in order; what the gate rejected never came onto it. Before the first
 * round it refuses by name what is bound to another base, backend, instruction set, kernel version or
 * round than the one here.
 *
 * <p>One thread at a time. Reads only; source and round are the caller's. All calls throw {@link
 * LineageException} if a range cannot be trained again, or not here, and {@link
 * dev.flywheel.trainer.round.RoundStoppedException} once {@code stopped}, asked between two units of
 * work, says so.
 */
public final class LineageReplay {
    private final LineageSource source;
    private final ManifestRounds rounds;

    public LineageReplay(LineageSource source, Round round, Gate gate) {
        this.source = source;
        this.rounds = new ManifestRounds(round, gate);
    }

    /** Trains a range again as it was, holding each version against its record; ends at the first that differs. */
    public Comparison compare(
            LineageRange range, LineageListener listener, BooleanSupplier stopped) {
        Chain chain = chain(range, 0);
        return compare(chain, chain.after(), new Line(rounds, chain, stopped), listener);
    }

    /**
     * Trains a range again without some examples, into a line of its own: what stands in the store if the
     * same manifests, minus those examples, are trained on the range's first version. A round of which
     * nothing is left, or which the gate now refuses, leaves the line where it is.
     *
     * <p>Where the range's first version is not kept any more, it is made anew first; it then has to come
     * out as its record says.
     */
    public Retrained without(
            LineageRange range, ExampleFilter filter, LineageListener listener,
            BooleanSupplier stopped) {
        return without(range, 0, filter, listener, stopped);
    }

    /** The same without its first rounds either, whose manifests are not asked for: they may be kept no longer. */
    public Retrained without(
            LineageRange range, long skipped, ExampleFilter filter, LineageListener listener,
            BooleanSupplier stopped) {
        Chain chain = chain(range, skipped);
        Line line = new Line(rounds, chain, stopped);
        List<VersionRecord> versions = chain.after();
        int prelude = prelude(chain);
        requireIdentical(compare(chain, versions.subList(0, prelude), line, listener));
        Selection selection = new Selection(filter);
        List<Retrained.Round> ends = new ArrayList<>();
        for (int i = prelude + (int) skipped; i < versions.size(); i++) {
            Manifest whole = chain.manifest(i);
            Manifest kept = selection.of(whole);
            ends.add(end(versions.get(i), whole, kept, line));
            listener.trained(versions.get(i).getRef().getNumber(), i + 1L, versions.size());
        }
        return new Retrained(range, ends, line.state().digests(), line.state().weights(),
                line.state().optimizer());
    }

    /** The versions of a range, each the child of the one before; all can be trained again here. */
    public List<VersionRecord> versions(LineageRange range) {
        return versions(range, 0);
    }

    /** The same but its first rounds. */
    public List<VersionRecord> versions(LineageRange range, long skipped) {
        List<VersionRecord> versions = chain(range, skipped).after();
        return versions.stream()
                .filter(version -> version.getRef().getNumber() > range.from())
                .skip(skipped)
                .toList();
    }

    private Chain chain(LineageRange range, long skipped) {
        Chain chain = Chain.find(source, range);
        int prelude = prelude(chain);
        // All of them first: a refusal after an hour of training would come late.
        for (int i = 0; i < chain.after().size(); i++) {
            if (i >= prelude && i < prelude + skipped) {
                continue;
            }
            requireBoundHere(chain.after().get(i), chain.manifest(i));
        }
        return chain;
    }

    private void requireBoundHere(VersionRecord version, Manifest manifest) {
        String subject =
                "version %d of %s".formatted(version.getRef().getNumber(), manifest.getAdapter());
        if (!manifest.getBaseDigest().equals(rounds.baseDigest())) {
            throw new LineageException(
                    Code.OTHER_BASE,
                    "%s was trained on base %s, the one here is %s; give that base, held the same way"
                            .formatted(subject, manifest.getBaseDigest(), rounds.baseDigest()));
        }
        if (!manifest.getBackend().equals(rounds.binding())) {
            throw new LineageException(
                    Code.OTHER_BACKEND,
                    "%s is bound to '%s', here is '%s'; its digest holds there only, train it again there"
                            .formatted(subject, manifest.getBackend(), rounds.binding()));
        }
    }

    private Comparison compare(
            Chain chain, List<VersionRecord> versions, Line line, LineageListener listener) {
        long examples = 0;
        int done = 0;
        Difference difference = null;
        while (difference == null && done < versions.size()) {
            VersionRecord version = versions.get(done);
            Manifest manifest = chain.manifest(done);
            difference = difference(version, line.train(manifest), line);
            examples += manifest.getExamplesCount();
            done++;
            listener.trained(version.getRef().getNumber(), done, chain.after().size());
        }
        return new Comparison(
                chain.range(), chain.start().getRef().getNumber(), done, examples,
                rounds.binding(), line.state().digests(), difference);
    }

    private static @Nullable Difference difference(
            VersionRecord version, Verdict verdict, Line line) {
        Digests recorded = Digests.of(version);
        Digests trained = line.state().digests();
        return switch (verdict) {
            case Verdict.Refused refused -> difference(version, "verdict", "passed",
                    "refused: " + refused.because());
            case Verdict.Passed passed when !trained.weights().equals(recorded.weights()) ->
                difference(version, "weights digest", recorded.weights(), trained.weights());
            case Verdict.Passed passed when !trained.optimizer().equals(recorded.optimizer()) ->
                difference(version, "optimizer digest", recorded.optimizer(),
                        trained.optimizer());
            case Verdict.Passed passed when !trained.probe().equals(recorded.probe()) ->
                difference(version, "probe fingerprint", recorded.probe(), trained.probe());
            case Verdict.Passed passed -> null;
        };
    }

    private static Difference difference(
            VersionRecord version, String what, String recorded, String trained) {
        return new Difference(
                version.getRef().getNumber(), version.getManifestSeq(), what, recorded, trained);
    }

    /** How many versions lie between the start and the range's first version, that one included. */
    private static int prelude(Chain chain) {
        return (int) chain.after()
                .stream()
                .filter(version -> version.getRef().getNumber() <= chain.range().from())
                .count();
    }

    private static void requireIdentical(Comparison prelude) {
        Difference difference = prelude.difference();
        if (difference != null) {
            throw new LineageException(
                    Code.BROKEN,
                    "version %d of %s came out with %s %s, its record has %s; nothing can be trained on it"
                            .formatted(
                                    difference.version(), prelude.range().adapter(),
                                    difference.what(), difference.trainedAgain(),
                                    difference.recorded()));
        }
    }

    private static Retrained.Round end(
            VersionRecord version, Manifest whole, Manifest kept, Line line) {
        return new Retrained.Round(
                version.getRef().getNumber(),
                whole.getSeq(),
                kept.getExamplesCount(),
                whole.getExamplesCount() - kept.getExamplesCount(),
                whole.getReplayedCount() - kept.getReplayedCount(),
                end(kept, line));
    }

    private static Retrained.End end(Manifest kept, Line line) {
        if (kept.getExamplesCount() == 0) {
            return new Retrained.Emptied();
        }
        return switch (line.train(kept)) {
            case Verdict.Passed passed -> new Retrained.Made(line.state().digests());
            case Verdict.Refused refused -> new Retrained.Refused(refused.because());
        };
    }
}
