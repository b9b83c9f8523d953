package dev.flywheel.app.lineage;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestRecord;

/**
 * Where an event ended that a manifest holds; pure.
 *
 * @param end {@code trained}, {@code quarantined} or {@code pending}
 * @param reason why it was quarantined, or what it waits for; empty if it was trained
 */
record FeedbackEnd(String end, String reason) {
    private static final String TRAINED = "trained";
    private static final String QUARANTINED = "quarantined";
    private static final String PENDING = "pending";

    /** @param manifest the one that {@code found} names */
    static FeedbackEnd of(LocatedFeedback found, ManifestRecord manifest) {
        return switch (found.getState()) {
            case MANIFEST_STATE_OPEN -> new FeedbackEnd(PENDING, "its round has not ended");
            case MANIFEST_STATE_COMMITTED -> found.getQuarantined()
                    ? new FeedbackEnd(QUARANTINED, untrainable(found, manifest))
                    : new FeedbackEnd(TRAINED, "");
            case MANIFEST_STATE_REJECTED -> new FeedbackEnd(QUARANTINED,
                    "its round was rejected: " + manifest.getFigures().getRejectedBecause());
            case MANIFEST_STATE_ROLLED_BACK -> new FeedbackEnd(QUARANTINED,
                    "its round was rolled back or taken out");
            case MANIFEST_STATE_REPLACED -> found.getQuarantined()
                    ? new FeedbackEnd(QUARANTINED, takenOut(found))
                    : new FeedbackEnd(PENDING,
                            "its round is replaced: it is to be claimed again");
            default -> throw new IllegalArgumentException(
                    "a manifest that holds feedback is " + found.getState());
        };
    }

    private static String takenOut(LocatedFeedback found) {
        return found.getWithdrawn() ? "it was withdrawn, and its round was trained again without it"
                : "its user is forgotten, and its round was trained again without it";
    }

    private static String untrainable(LocatedFeedback found, ManifestRecord manifest) {
        return manifest.getExamplesList()
                .stream()
                .filter(example -> example.getFeedbackList().contains(found.getFeedback()))
                .map(ExampleRecord::getUntrainable)
                .filter(text -> !text.isEmpty())
                .findFirst()
                .orElse("none of its examples was trained");
    }

    /** Whether a version holds it. */
    boolean trained() {
        return end.equals(TRAINED);
    }
}
