package dev.flywheel.app.lineage;

import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.FeedbackOrigin;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.RoundSettings;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The round that made a version.
 *
 * @param seed of its random draws
 * @param examplesByKind what it trained on
 * @param replayed examples of earlier rounds that it trained on besides
 * @param offsets where its feedback stood in the topic; empty for manifests of older releases
 * @param settingsChanged settings that differ from the parent's round, as {@code round.steps: 1 -> 3}
 * @param failedBefore manifests with the same parent that made no version, as {@code 7 REJECTED}
 * @param expired whether what it trained on is not kept any more
 */
public record RoundReport(
        long manifest,
        long epoch,
        String parentDigest,
        long seed,
        String backend,
        String claimedAt,
        long examples,
        Map<String, Integer> examplesByKind,
        long replayed,
        long users,
        long feedback,
        List<OffsetRange> offsets,
        List<String> settingsChanged,
        List<String> failedBefore,
        double lossBefore,
        double lossAfter,
        double prequentialLoss,
        double gradientNorm,
        double adapterNorm,
        double effect,
        double deviceSeconds,
        List<TrainedExample> trainedOn,
        boolean expired) {
    private static final int SHOWN_MAX = 20;

    /** @param before settings of the parent's round; null if the parent is the start */
    static RoundReport of(ManifestRecord manifest, @Nullable RoundSettings before,
            List<Chain.Link> failed) {
        RoundFigures figures = manifest.getFigures();
        Map<FeedbackKey, FeedbackOrigin> origins = manifest.getOriginsList()
                .stream()
                .collect(Collectors.toMap(FeedbackOrigin::getFeedback, Function.identity(),
                        (one, other) -> one));
        return new RoundReport(manifest.getSummary().getSeq(), manifest.getEpoch(),
                manifest.getParentDigest(), manifest.getSeed(), manifest.getBackend(),
                Instant.ofEpochMilli(manifest.getClaimedAtMillis()).toString(),
                manifest.getSummary().getExamples(), new TreeMap<>(figures.getExamplesByKindMap()),
                manifest.getReplayed(), figures.getUsers(),
                manifest.getSummary().getFeedbackCount(),
                OffsetRange.of(manifest.getOriginsList()),
                before == null ? List.of() : changes(before, manifest.getSettings()),
                failed.stream()
                        .map(link -> link.seq() + " "
                                + link.state().name().replace("MANIFEST_STATE_", ""))
                        .toList(),
                figures.getLossBefore(), figures.getLossAfter(), figures.getPrequentialLoss(),
                figures.getGradientNorm(), figures.getAdapterNorm(), figures.getEffect(),
                figures.getDeviceSeconds(),
                manifest.getExamplesList()
                        .stream()
                        .map(example -> TrainedExample.of(example, origins))
                        .toList(),
                manifest.getExpired());
    }

    private static List<String> changes(RoundSettings before, RoundSettings after) {
        return SettingLines.changes(AdapterRecord.newBuilder().setRound(before).build(),
                AdapterRecord.newBuilder().setRound(after).build())
                .lines()
                .toList();
    }

    /** Adds a line for each thing that a person may want to know. */
    void tell(StringJoiner lines) {
        lines.add("manifest %d, claimed %s by epoch %d, seed %s, on %s".formatted(manifest,
                claimedAt, epoch, Long.toUnsignedString(seed), backend));
        failedBefore.forEach(each -> lines.add("before it, from the same parent: " + each));
        lines.add("examples %d %s, replayed %d, users %d, feedback events %d".formatted(examples,
                examplesByKind, replayed, users, feedback));
        offsets.forEach(range -> lines.add("feedback at " + range));
        lines.add(String.format(Locale.ROOT,
                "loss %.4f -> %.4f, prequential %.4f, gradient %.4f, adapter %.4f, effect %.4f, %.3f s on the device",
                lossBefore, lossAfter, prequentialLoss, gradientNorm, adapterNorm, effect,
                deviceSeconds));
        if (expired) {
            lines.add(
                    "what it trained on is older than store.manifests_kept and not kept any more");
        }
        settingsChanged.forEach(change -> lines.add("setting changed: " + change));
        trainedOn.stream().limit(SHOWN_MAX).forEach(example -> lines.add("  " + example));
        if (trainedOn.size() > SHOWN_MAX) {
            lines.add("  and %d more, see -o json".formatted(trainedOn.size() - SHOWN_MAX));
        }
    }
}
