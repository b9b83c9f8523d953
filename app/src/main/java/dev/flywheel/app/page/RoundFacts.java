package dev.flywheel.app.page;

import dev.flywheel.app.lineage.RoundReport;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The round that made a version, as it is shown: without its examples and whose feedback they came from.
 *
 * @param seed as text, since a browser's numbers would round it
 */
record RoundFacts(
        long manifest,
        long epoch,
        String seed,
        String backend,
        String claimedAt,
        long examples,
        Map<String, Integer> examplesByKind,
        long replayed,
        long users,
        long feedback,
        List<String> settingsChanged,
        List<String> failedBefore,
        double lossBefore,
        double lossAfter,
        double prequentialLoss,
        double gradientNorm,
        double adapterNorm,
        double effect,
        double deviceSeconds) {
    static @Nullable RoundFacts of(@Nullable RoundReport round) {
        return round == null ? null
                : new RoundFacts(round.manifest(), round.epoch(),
                        Long.toUnsignedString(round.seed()), round.backend(), round.claimedAt(),
                        round.examples(), round.examplesByKind(), round.replayed(), round.users(),
                        round.feedback(), round.settingsChanged(), round.failedBefore(),
                        round.lossBefore(), round.lossAfter(), round.prequentialLoss(),
                        round.gradientNorm(), round.adapterNorm(), round.effect(),
                        round.deviceSeconds());
    }
}
