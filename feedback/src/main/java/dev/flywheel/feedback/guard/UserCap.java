package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.GuardBudget;
import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.WindowUse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Counts a user's examples on one adapter, per tumbling window of event time and against hourly budgets, and says when there
 * are too many. Of one window the first that come are admitted, but in which window an example counts does not depend on what
 * came before it: in that of its own time, if this is at most one window length from what event time has reached. Further away
 * it counts as if it were that far away, so that nobody opens windows of their own in the past or future.
 *
 * <p>The state is bounded: the newest windows, a budget for each class of signal, and when the user was first and last seen.
 */
public final class UserCap {
    /** Silence is weak evidence and plenty of it: it has its own, larger budget. */
    public static final int SILENT_PER_EXPLICIT = 4;

    private static final int WINDOWS_MAX = 4;

    private final long rememberedMillis;

    /**
     * @param remembered how long after its last example a user is known to be no newcomer
     */
    public UserCap(Duration remembered) {
        this.rememberedMillis = remembered.toMillis();
    }

    /**
     * Whether the example may pass, and the user's state afterwards.
     *
     * @param objection what came and what is allowed; empty if it may pass
     */
    public record Decision(Optional<String> objection, GuardState state) {
        public boolean admitted() {
            return objection.isEmpty();
        }
    }

    /**
     * Counts an example in.
     *
     * @param labelledAtMillis its own time
     * @param nowMillis what event time has reached; {@link Long#MIN_VALUE} if nothing is known yet
     */
    public Decision admit(GuardProfile profile, GuardState state, SignalClass signal,
            long labelledAtMillis, long nowMillis) {
        long at = countedAt(profile, labelledAtMillis, nowMillis);
        WindowUse use = useOf(profile, state, at);
        boolean silent = signal == SignalClass.SILENCE;
        int used = silent ? use.getSilent() : use.getExplicit();
        int max = max(profile, silent);
        if (max > 0 && used >= max) {
            return refused(state, "profile %s allows %d examples of one user in %s".formatted(
                    profile.name(), max, profile.window()));
        }
        int perHour = signal.perHour(profile.budgets());
        GuardBudget budget = perHour == 0 ? GuardBudget.getDefaultInstance()
                : new TokenBucket(perHour).at(budgetOf(state, signal), at);
        if (perHour > 0 && !TokenBucket.pays(budget)) {
            return refused(state, "profile %s allows %d %s of one user in an hour".formatted(
                    profile.name(), perHour, signal.text()));
        }
        GuardState.Builder after = seen(state, at);
        if (max > 0) {
            count(after, silent ? use.toBuilder().setSilent(used + 1).build()
                    : use.toBuilder().setExplicit(used + 1).build());
        }
        if (perHour > 0) {
            pay(after, TokenBucket.paid(budget));
        }
        return new Decision(Optional.empty(), after.build());
    }

    private static Decision refused(GuardState state, String objection) {
        return new Decision(Optional.of(objection), state);
    }

    /** Whether a profile has anything to remember a user for. */
    public static boolean remembers(GuardProfile profile) {
        return profile.examplesPerUserMax() > 0 || profile.crowd().newcomerShareMax() > 0
                || !profile.budgets().equals(GuardProfile.Budgets.NONE);
    }

    /** Returns the time that an example counts at: its own, unless that is further than a window from now. */
    static long countedAt(GuardProfile profile, long labelledAtMillis, long nowMillis) {
        if (nowMillis == Long.MIN_VALUE) {
            return labelledAtMillis;
        }
        long length = profile.window().toMillis();
        return Math.max(nowMillis - length, Math.min(labelledAtMillis, nowMillis + length));
    }

    /** Event time from which a state says nothing any more. */
    public long forgottenAt(GuardState state) {
        return state.getLastSeenMillis()
                + Math.max(rememberedMillis, TokenBucket.FULL_AFTER_MILLIS);
    }

    /** Examples of a user that one window admits; 0: no cap. */
    static int max(GuardProfile profile, boolean silent) {
        int explicit = profile.examplesPerUserMax();
        return silent ? (int) Math.min(Integer.MAX_VALUE, (long) explicit * SILENT_PER_EXPLICIT)
                : explicit;
    }

    private static GuardState.Builder seen(GuardState state, long atMillis) {
        boolean known = state.getFirstSeenMillis() != 0;
        return state.toBuilder()
                .setFirstSeenMillis(
                        known ? Math.min(state.getFirstSeenMillis(), atMillis) : atMillis)
                .setLastSeenMillis(Math.max(state.getLastSeenMillis(), atMillis));
    }

    private static WindowUse useOf(GuardProfile profile, GuardState state, long atMillis) {
        long length = profile.window().toMillis();
        long begins = Math.floorDiv(atMillis, length) * length;
        return state.getWindowsList()
                .stream()
                .filter(window -> window.getBeginsAtMillis() == begins)
                .findFirst()
                .orElse(WindowUse.newBuilder().setBeginsAtMillis(begins).build());
    }

    private static void count(GuardState.Builder state, WindowUse use) {
        List<WindowUse> windows = new ArrayList<>(state.getWindowsList());
        windows.removeIf(window -> window.getBeginsAtMillis() == use.getBeginsAtMillis());
        windows.add(use);
        windows.sort(Comparator.comparingLong(WindowUse::getBeginsAtMillis));
        int from = Math.max(0, windows.size() - WINDOWS_MAX);
        state.clearWindows().addAllWindows(windows.subList(from, windows.size()));
    }

    private static GuardBudget budgetOf(GuardState state, SignalClass signal) {
        return state.getBudgetsList()
                .stream()
                .filter(budget -> budget.getSignals().equals(signal.text()))
                .findFirst()
                .orElse(GuardBudget.newBuilder().setSignals(signal.text()).build());
    }

    private static void pay(GuardState.Builder state, GuardBudget paid) {
        List<GuardBudget> budgets = new ArrayList<>(state.getBudgetsList());
        budgets.removeIf(budget -> budget.getSignals().equals(paid.getSignals()));
        budgets.add(paid);
        state.clearBudgets().addAllBudgets(budgets);
    }
}
