package dev.flywheel.app.rounds;

import dev.flywheel.trainer.lineage.Comparison;
import dev.flywheel.trainer.lineage.Difference;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What came of training versions again.
 *
 * @param identical whether all came out as their records say, bit for bit
 * @param start version whose stored state it began with
 * @param versions that were trained and compared, the one that differs included
 * @param examples that they were trained on, replayed ones not counted
 * @param seconds of training, reading included
 * @param binding what it was trained with, and is bound to
 * @param weightsDigest of the last version that was trained, likewise the other two
 * @param difference null if there is none
 */
public record LineageReport(
        boolean identical,
        String adapter,
        long from,
        long to,
        long start,
        long versions,
        long examples,
        double seconds,
        String binding,
        String weightsDigest,
        String optimizerDigest,
        String probeFingerprint,
        @Nullable Difference difference) {

    public static LineageReport of(Comparison comparison, double seconds) {
        return new LineageReport(
                comparison.identical(),
                comparison.range().adapter(),
                comparison.range().from(),
                comparison.range().to(),
                comparison.start(),
                comparison.versions(),
                comparison.examples(),
                seconds,
                comparison.binding(),
                comparison.last().weights(),
                comparison.last().optimizer(),
                comparison.last().probe(),
                comparison.difference());
    }

    /** Returns it for a person. */
    public String text() {
        return "%s%n%s%nweights   %s%noptimizer %s%nprobe     %s%nbound to  %s".formatted(
                verdict(), extent(), weightsDigest, optimizerDigest, probeFingerprint, binding);
    }

    private String verdict() {
        return difference == null
                ? "identical: version %d of %s comes out of version %d bit for bit".formatted(to,
                        adapter, from)
                : "different: version %d of %s, made by manifest %d, has %s %s in its record, and %s trained again"
                        .formatted(difference.version(), adapter, difference.manifestSeq(),
                                difference.what(), difference.recorded(),
                                difference.trainedAgain());
    }

    private String extent() {
        return String.format(Locale.ROOT,
                "%,d versions with %,d examples, trained again from what is stored of version %d, in %.1f s",
                versions, examples, start, seconds);
    }
}
