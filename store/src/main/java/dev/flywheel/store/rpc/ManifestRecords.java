package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.store.core.ManifestEntry;
import java.util.HashMap;
import java.util.Map;

/** Manifests as operators see them: all but what users said. */
final class ManifestRecords {
    private ManifestRecords() {}

    /** @param expired whether the manifest is what is left of one that is not kept any more */
    static ManifestRecord of(Manifest manifest, ManifestEntry entry, boolean expired) {
        ManifestRecord.Builder record = ManifestRecord.newBuilder()
                .setSummary(entry.summary())
                .setEpoch(manifest.getEpoch())
                .setParentDigest(manifest.getParentDigest())
                .setSeed(manifest.getSeed())
                .setSettings(manifest.getSettings())
                .setBackend(manifest.getBackend())
                .setClaimedAtMillis(manifest.getClaimedAtMillis())
                .setReplayed(manifest.getReplayedCount())
                .addAllOrigins(manifest.getOriginsList())
                .setExpired(expired);
        PutOutcomeRequest outcome = entry.outcome();
        if (outcome != null && outcome.hasFigures()) {
            record.setFigures(outcome.getFigures());
        }
        Map<String, String> untrainable = outcome == null ? Map.of() : untrainable(outcome);
        manifest.getExamplesList()
                .forEach(example -> record.addExamples(of(example,
                        untrainable.getOrDefault(example.getExampleId(), ""))));
        return record.build();
    }

    private static Map<String, String> untrainable(PutOutcomeRequest outcome) {
        Map<String, String> reasons = new HashMap<>();
        for (UntrainableExample example : outcome.getUntrainableList()) {
            reasons.put(example.getExampleId(),
                    example.getReason().name().replace("UNTRAINABLE_REASON_", "") + ": "
                            + example.getDetail());
        }
        return reasons;
    }

    private static ExampleRecord of(Example example, String untrainable) {
        return ExampleRecord.newBuilder()
                .setExampleId(example.getExampleId())
                .setKind(example.getKind())
                .setImpressionId(example.getImpressionId())
                .setServedVersion(example.getServedVersion())
                .addAllFeedback(example.getFeedbackList())
                .setSignal(example.getSignal())
                .setLabelledAtMillis(example.getLabelledAtMillis())
                .setUntrainable(untrainable)
                .build();
    }
}
