package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.AimUse;
import dev.flywheel.api.v1.CrowdShare;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Says when many users together want too much of one adapter: caps per user do not stop one who has many names.
 *
 * <p>What gives a ring of new names away is that it wants what others do not. So newcomers may have no more than a share of the
 * examples about each aim ({@link Aim}), and of all together, where the rest is of users who have been there for longer: they
 * can follow the others, not lead them. That share is the profile's or, if that is more, a little more than newcomers usually
 * have there: while all users are new, or where none comes back, nobody is held back, and no ring is either. Once there are
 * others, a flood of newcomers gets no more than newcomers had before it. Of an aim that few examples are about, which tell
 * little of what is usual there, the adapter's usual share is taken instead; a single example about an aim is free as far as the aim goes.
 *
 * <p>An attack that spreads over many aims meets the share of all examples alone, so that one leaves it nothing for chance: the
 * profile's share is earned, one newcomer's place by so many examples of others. What is usual there has an example's slack,
 * since few examples stray from it by chance and what is refused is no part of it: without slack, newcomers once refused would
 * stay so. Where next to none are usual the slack is less, and none where none are.
 *
 * <p>Besides, one aim has a plain cap of examples in a window, whoever they come from.
 *
 * <p>All counts are of what was admitted and fade with event time: what is refused buys nothing, and the state is a handful of
 * numbers for the adapter and for each aim. Examples out of order count as if they came now.
 */
public final class CrowdCap {
    /** So many times what is usual may the newcomers' share be, and so by a quarter of it grow in a newcomer period. */
    static final double GROWTH = 1.25;

    /** So many times faster than it grows does the usual share fall: the first users of an adapter soon cover for no ring. */
    private static final double FALL = 3;

    /** Newcomers' examples that pass even where there is none of others. */
    static final double FREE = 1;

    /** Of the profile's share: where less is usual, not all of the slack is left for chance. */
    private static final double RARE = 0.5;

    /** With so many examples an aim's own usual share counts as much as the adapter's. */
    private static final double TELLING = 8;

    /** What is worth less than this is forgotten. */
    private static final double NOTHING = 0.01;

    /** Examples of all aims are many, so that those of a part of a newcomer period tell enough, and a flood is seen at once. */
    private static final int PARTS = 6;

    private final GuardProfile profile;
    private final long periodMillis;

    public CrowdCap(GuardProfile profile) {
        this.profile = profile;
        this.periodMillis = Math.max(1, profile.crowd().newcomerPeriod().toMillis());
    }

    /**
     * Whether an example may pass, and the states afterwards.
     *
     * @param objection what came and what is allowed; empty if it may pass
     * @param aim of its aim; null if it has none
     */
    public record Decision(Optional<String> objection, CrowdShare all, @Nullable AimUse aim) {
        public boolean admitted() {
            return objection.isEmpty();
        }
    }

    /** Whether there is anything to remember a crowd for. */
    public boolean remembers() {
        return profile.crowd().newcomerShareMax() > 0 || profile.crowd().examplesPerItemMax() > 0;
    }

    /**
     * Counts an example in.
     *
     * @param all what the adapter has had
     * @param aim what the example's aim has had; null if it has none
     * @param firstSeenMillis when its user was first seen
     * @param labelledAtMillis its own time
     * @param nowMillis what event time has reached; {@link Long#MIN_VALUE} if nothing is known yet
     */
    public Decision admit(CrowdShare all, @Nullable AimUse aim, long firstSeenMillis,
            long labelledAtMillis, long nowMillis) {
        long at = UserCap.countedAt(profile, labelledAtMillis, nowMillis);
        boolean newcomer = at - firstSeenMillis < profile.crowd().newcomerPeriod().toMillis();
        CrowdShare allNow = at(all, at, periodMillis / PARTS + 1, 1);
        AimUse aimNow = aim == null ? null : at(aim, at, allNow.getUsualShare());
        Optional<String> objection = objection(allNow, aimNow, newcomer);
        return objection.isPresent() ? new Decision(objection, all, aim)
                : new Decision(objection, earned(counted(allNow, newcomer), newcomer),
                        counted(aimNow, newcomer));
    }

    private Optional<String> objection(CrowdShare all, @Nullable AimUse aim, boolean newcomer) {
        int aimMax = profile.crowd().examplesPerItemMax();
        if (aim != null && aimMax > 0 && aim.getExamples() >= aimMax) {
            return Optional.of("profile %s allows %d examples about one item in %s"
                    .formatted(profile.name(), aimMax, profile.window()));
        }
        if (!newcomer || profile.crowd().newcomerShareMax() == 0) {
            return Optional.empty();
        }
        Optional<String> ofAim = aim == null ? Optional.empty()
                : objectionOfAim(aim.getShare(), usual(aim.getShare(), all.getUsualShare()));
        return ofAim.isPresent() ? ofAim : objectionOfAll(all);
    }

    /** Of few examples of an aim's newcomers are soon the greater part, by chance or because only a ring wants it. */
    private static double usual(CrowdShare ofAim, double ofAll) {
        double examples = ofAim.getNewcomers() + ofAim.getOthers();
        return (examples * ofAim.getUsualShare() + TELLING * ofAll) / (examples + TELLING);
    }

    private Optional<String> objectionOfAim(CrowdShare had, double usual) {
        double allowed = allowed(usual);
        return follows(had, allowed, FREE) ? Optional.empty()
                : Optional.of(objection("the examples about one item", allowed));
    }

    private Optional<String> objectionOfAll(CrowdShare had) {
        double usual = had.getUsualShare();
        double slack = FREE * Math.min(1, usual / (RARE * profile.crowd().newcomerShareMax()));
        return had.getEarned() >= 1 || follows(had, GROWTH * usual, slack) ? Optional.empty()
                : Optional.of(objection("all examples", allowed(usual))
                        + ", each earned by examples of others");
    }

    private double allowed(double usual) {
        return Math.max(profile.crowd().newcomerShareMax(), GROWTH * usual);
    }

    private static boolean follows(CrowdShare had, double share, double slack) {
        double examples = had.getNewcomers() + had.getOthers() + 1;
        return share >= 1 || had.getNewcomers() + 1 <= share * examples + slack;
    }

    private String objection(String what, double allowed) {
        return "profile %s allows newcomers, first seen less than %s ago, a share of %.2f of %s"
                .formatted(profile.name(), profile.crowd().newcomerPeriod(), allowed, what);
    }

    private CrowdShare at(CrowdShare had, long millis, long fadesInMillis, double usualAtFirst) {
        if (had.getAtMillis() == 0) {
            return had.toBuilder()
                    .setUsualShare(usualAtFirst)
                    .setEarned(FREE)
                    .setAtMillis(millis)
                    .build();
        }
        long now = Math.max(had.getAtMillis(), millis);
        double passed = now - had.getAtMillis();
        double sum = had.getNewcomers() + had.getOthers();
        double share = sum < NOTHING ? had.getUsualShare() : had.getNewcomers() / sum;
        double left = Math.exp(-passed / fadesInMillis);
        double pace = share < had.getUsualShare() ? FALL : 1;
        double usual =
                share + (had.getUsualShare() - share) * Math.exp(-pace * passed / periodMillis);
        return had.toBuilder()
                .setNewcomers(had.getNewcomers() * left)
                .setOthers(had.getOthers() * left)
                .setUsualShare(usual)
                .setAtMillis(now)
                .build();
    }

    private AimUse at(AimUse had, long millis, double usualAtFirst) {
        long length = profile.window().toMillis();
        long begins = Math.floorDiv(millis, length) * length;
        AimUse.Builder now = had.toBuilder()
                .setShare(at(had.getShare(), millis, periodMillis, usualAtFirst));
        return begins <= had.getBeginsAtMillis() ? now.build()
                : now.setBeginsAtMillis(begins).setExamples(0).build();
    }

    private static CrowdShare counted(CrowdShare had, boolean newcomer) {
        return newcomer ? had.toBuilder().setNewcomers(had.getNewcomers() + 1).build()
                : had.toBuilder().setOthers(had.getOthers() + 1).build();
    }

    /** Others earn newcomers their places, of which no more are kept than the share of a part of a newcomer period. */
    private CrowdShare earned(CrowdShare had, boolean newcomer) {
        double share = profile.crowd().newcomerShareMax();
        double most = FREE + share * (had.getNewcomers() + had.getOthers());
        double earned = newcomer ? Math.max(0, had.getEarned() - 1)
                : had.getEarned() + share / Math.max(Double.MIN_NORMAL, 1 - share);
        return had.toBuilder().setEarned(Math.min(most, earned)).build();
    }

    private static @Nullable AimUse counted(@Nullable AimUse had, boolean newcomer) {
        return had == null ? null
                : had.toBuilder()
                        .setShare(counted(had.getShare(), newcomer))
                        .setExamples(had.getExamples() + 1)
                        .build();
    }

    /** Whether what is known of an aim says nothing any more at a time. */
    public boolean forgettable(AimUse had, long millis) {
        AimUse now = at(had, millis, 1);
        return now.getExamples() == 0
                && now.getShare().getNewcomers() + now.getShare().getOthers() < NOTHING;
    }

    /** How long after it was looked at the state of an adapter should be looked at for what can be forgotten. */
    public Duration sweepEvery() {
        Duration least = profile.window().multipliedBy(2);
        Duration period = profile.crowd().newcomerPeriod();
        return period.compareTo(least) > 0 ? period : least;
    }
}
