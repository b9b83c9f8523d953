package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.GuardSettings;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;

/**
 * How far users may steer a model. A named set of caps; the named ones here are what ships, owners may make their own.
 *
 * @param name in metrics, logs and refusals
 * @param examplesPerUserMax examples from explicit signals of one user within {@code window}; 0: no cap. Silence has
 *     {@link UserCap#SILENT_PER_EXPLICIT} times as much of its own, so that a reader who clicks little can still be heard
 * @param window length of the tumbling windows in which those are counted, event time, see {@link UserCap}
 * @param roundShareMax largest share of a round's examples that one user may have, at least one example, and of the last rounds, see
 *     {@link RoundShare}; 0: no cap
 * @param consentRequired whether an unstated consent counts as none
 * @param budgets signals of one user in an hour
 * @param crowd what many users may do together
 */
public record GuardProfile(
        String name,
        int examplesPerUserMax,
        Duration window,
        double roundShareMax,
        boolean consentRequired,
        Budgets budgets,
        Crowd crowd)
        implements
            Serializable {

    /**
     * Signals of one user in an hour, see {@link TokenBucket}; 0: no cap.
     *
     * @param clicksMax clicks, dismissals, ratings and rewards
     * @param thumbsMax thumbs and preferences
     */
    public record Budgets(int clicksMax, int thumbsMax, int correctionsMax)
            implements
                Serializable {
        public static final Budgets NONE = new Budgets(0, 0, 0);

        public Budgets {
            notNegative("clicks per hour", clicksMax);
            notNegative("thumbs per hour", thumbsMax);
            notNegative("corrections per hour", correctionsMax);
        }
    }

    /**
     * What caps per user do not stop: many users who want the same, some of whom may be one, see {@link CrowdCap}.
     *
     * @param examplesPerItemMax examples within the profile's window in which one item is what was chosen or rejected; 0: no cap
     * @param newcomerShareMax share of examples that newcomers may have where there are others; 0: no cap
     * @param newcomerPeriod how long after its first example a user counts as a newcomer
     */
    public record Crowd(int examplesPerItemMax, double newcomerShareMax, Duration newcomerPeriod)
            implements
                Serializable {
        public static final Crowd ANY = new Crowd(0, 0, Duration.ZERO);

        public Crowd {
            notNegative("examples per item", examplesPerItemMax);
            requireShare("newcomer share", newcomerShareMax);
            if (newcomerPeriod.isNegative()) {
                throw new IllegalArgumentException(
                        "newcomer period is " + newcomerPeriod + ", it must not be below zero");
            }
        }
    }

    /** For feedback from many users who need not be trusted. */
    public static final GuardProfile DEFAULT = new GuardProfile("default", 8, Duration.ofMinutes(1),
            0.02, false, new Budgets(600, 30, 10), new Crowd(600, 0.02, Duration.ofHours(1)));

    /** For a stream that one trusted party sends, such as a replay of ratings: most of it may come from one user. */
    public static final GuardProfile TRUSTED_STREAM =
            new GuardProfile("trusted-stream", 0, Duration.ofMinutes(1), 0, false);

    /** Longer ones would overflow when they are added to a time. */
    private static final Duration LENGTH_MAX = Duration.ofDays(3650);

    public GuardProfile {
        notNegative("examples per user", examplesPerUserMax);
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException(
                    "guard window is " + window + ", it must be above zero");
        }
        requireShare("round share", roundShareMax);
    }

    /** A profile that caps what one user has of a window and of a round, and nothing else. */
    public GuardProfile(String name, int examplesPerUserMax, Duration window, double roundShareMax,
            boolean consentRequired) {
        this(name, examplesPerUserMax, window, roundShareMax, consentRequired, Budgets.NONE,
                Crowd.ANY);
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

    /**
     * Returns this profile with an adapter's own caps over it, field by field. What is out of its range, which only an impression
     * that no node wrote can be, changes nothing.
     */
    public GuardProfile with(GuardSettings own) {
        if (own.equals(GuardSettings.getDefaultInstance())) {
            return this;
        }
        return new GuardProfile(name,
                own.hasExamplesPerUserMax() ? count(own.getExamplesPerUserMax())
                        : examplesPerUserMax,
                own.hasWindowMillis() ? length(own.getWindowMillis(), 1, window) : window,
                own.hasRoundShareMax() ? share(own.getRoundShareMax(), roundShareMax)
                        : roundShareMax,
                own.hasConsentRequired() ? own.getConsentRequired() : consentRequired,
                budgetsWith(own), crowdWith(own));
    }

    private Budgets budgetsWith(GuardSettings own) {
        return new Budgets(
                own.hasClicksPerHourMax() ? count(own.getClicksPerHourMax()) : budgets.clicksMax,
                own.hasThumbsPerHourMax() ? count(own.getThumbsPerHourMax()) : budgets.thumbsMax,
                own.hasCorrectionsPerHourMax() ? count(own.getCorrectionsPerHourMax())
                        : budgets.correctionsMax);
    }

    private Crowd crowdWith(GuardSettings own) {
        return new Crowd(
                own.hasExamplesPerItemMax() ? count(own.getExamplesPerItemMax())
                        : crowd.examplesPerItemMax,
                own.hasNewcomerShareMax() ? share(own.getNewcomerShareMax(), crowd.newcomerShareMax)
                        : crowd.newcomerShareMax,
                own.hasNewcomerMillis() ? length(own.getNewcomerMillis(), 0, crowd.newcomerPeriod)
                        : crowd.newcomerPeriod);
    }

    /** A uint32 of protobuf's, of which Java reads the largest as negative. */
    private static int count(int unsigned) {
        return unsigned < 0 ? Integer.MAX_VALUE : unsigned;
    }

    private static double share(double own, double otherwise) {
        return isShare(own) ? own : otherwise;
    }

    private static Duration length(long millis, long least, Duration otherwise) {
        return millis >= least && millis <= LENGTH_MAX.toMillis() ? Duration.ofMillis(millis)
                : otherwise;
    }

    private static boolean isShare(double number) {
        return number >= 0 && number <= 1;
    }

    private static void notNegative(String what, int number) {
        if (number < 0) {
            throw new IllegalArgumentException(
                    "%s are %d, allowed is 0 (no cap) or more".formatted(what, number));
        }
    }

    private static void requireShare(String what, double share) {
        if (!isShare(share)) {
            throw new IllegalArgumentException(
                    "%s is %s, allowed is 0 to 1".formatted(what, share));
        }
    }
}
