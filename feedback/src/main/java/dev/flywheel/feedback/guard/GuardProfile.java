package dev.flywheel.feedback.guard;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;

/**
 * How far one user may steer a model. A named set of caps; the named ones here are what ships, owners may make their own.
 *
 * @param name in metrics, logs and refusals
 * @param examplesPerUserMax examples from explicit signals of one user within {@code window}; 0: no cap. Silence has
 *     {@link UserCap#SILENT_PER_EXPLICIT} times as much of its own, so that a reader who clicks little can still be heard
 * @param window length of the tumbling windows in which those are counted, event time, see {@link UserCap}
 * @param roundShareMax largest share of a round's examples that one user may have, at least one example; 0: no cap
 * @param consentRequired whether an unstated consent counts as none
 */
public record GuardProfile(
        String name,
        int examplesPerUserMax,
        Duration window,
        double roundShareMax,
        boolean consentRequired)
        implements
            Serializable {

    /** For feedback from many users who need not be trusted. */
    public static final GuardProfile DEFAULT =
            new GuardProfile("default", 8, Duration.ofMinutes(1), 0.02, false);

    /** For a stream that one trusted party sends, such as a replay of ratings: most of it may come from one user. */
    public static final GuardProfile TRUSTED_STREAM =
            new GuardProfile("trusted-stream", 0, Duration.ofMinutes(1), 0, false);

    public GuardProfile {
        if (examplesPerUserMax < 0) {
            throw new IllegalArgumentException(
                    "examples per user are " + examplesPerUserMax
                            + ", allowed is 0 (no cap) or more");
        }
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException(
                    "guard window is " + window + ", it must be above zero");
        }
        if (!(roundShareMax >= 0 && roundShareMax <= 1)) {
            throw new IllegalArgumentException(
                    "round share is " + roundShareMax + ", allowed is 0 to 1");
        }
    }

    /**
     * Returns the profile that ships under a name.
     *
     * @throws IllegalArgumentException naming those there are
     */
    public static GuardProfile named(String name) {
        return List.of(DEFAULT, TRUSTED_STREAM)
                .stream()
                .filter(profile -> profile.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "there is no guard profile %s, there are default and trusted-stream"
                                .formatted(name)));
    }
}
