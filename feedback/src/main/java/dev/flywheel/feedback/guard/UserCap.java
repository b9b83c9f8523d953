package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.WindowUse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Counts a user's examples per tumbling window of event time and says when there are too many. Of one window the first that
 * come are admitted, but in which window an example counts does not depend on what came before it: in that of its own time, if
 * this is at most one window length from what event time has reached. Further away it counts as if it were that far away, so
 * that nobody opens windows of their own in the past or future. The state is bounded: only the newest windows are remembered.
 */
public final class UserCap {
    /** Silence is weak evidence and plenty of it: it has its own, larger budget. */
    public static final int SILENT_PER_EXPLICIT = 4;

    private static final int WINDOWS_MAX = 4;

    private final GuardProfile profile;

    public UserCap(GuardProfile profile) {
        this.profile = profile;
    }

    /** Whether the example may pass, and the user's state afterwards. */
    public record Decision(boolean admitted, GuardState state) {}

    /**
     * Counts an example in.
     *
     * @param silent whether it comes from silence
     * @param labelledAtMillis its own time
     * @param nowMillis what event time has reached; {@link Long#MIN_VALUE} if nothing is known yet
     */
    public Decision admit(GuardState state, boolean silent, long labelledAtMillis,
            long nowMillis) {
        if (profile.examplesPerUserMax() == 0) {
            return new Decision(true, state);
        }
        long length = profile.window().toMillis();
        long begins = Math.floorDiv(countedAt(labelledAtMillis, nowMillis), length) * length;
        WindowUse use = state.getWindowsList()
                .stream()
                .filter(window -> window.getBeginsAtMillis() == begins)
                .findFirst()
                .orElse(WindowUse.newBuilder().setBeginsAtMillis(begins).build());
        int used = silent ? use.getSilent() : use.getExplicit();
        if (used >= max(silent)) {
            return new Decision(false, state);
        }
        WindowUse.Builder next = use.toBuilder();
        if (silent) {
            next.setSilent(used + 1);
        } else {
            next.setExplicit(used + 1);
        }
        return new Decision(true, with(state, next.build()));
    }

    private long countedAt(long labelledAtMillis, long nowMillis) {
        if (nowMillis == Long.MIN_VALUE) {
            return labelledAtMillis;
        }
        long length = profile.window().toMillis();
        return Math.max(nowMillis - length, Math.min(labelledAtMillis, nowMillis + length));
    }

    /** Event time from which nothing is counted in a window any more. */
    public long forgottenAt(WindowUse window) {
        return window.getBeginsAtMillis() + 2 * profile.window().toMillis();
    }

    /** Examples of a user that one window admits; 0: no cap. */
    public int max(boolean silent) {
        return profile.examplesPerUserMax() * (silent ? SILENT_PER_EXPLICIT : 1);
    }

    private static GuardState with(GuardState state, WindowUse use) {
        List<WindowUse> windows = new ArrayList<>(state.getWindowsList());
        windows.removeIf(window -> window.getBeginsAtMillis() == use.getBeginsAtMillis());
        windows.add(use);
        windows.sort(Comparator.comparingLong(WindowUse::getBeginsAtMillis));
        int from = Math.max(0, windows.size() - WINDOWS_MAX);
        return GuardState.newBuilder().addAllWindows(windows.subList(from, windows.size())).build();
    }
}
