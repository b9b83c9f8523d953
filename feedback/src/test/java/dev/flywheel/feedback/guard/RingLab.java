package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.AimUse;
import dev.flywheel.api.v1.CrowdShare;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;

/**
 * Readers and a ring of accounts before the guard, offline: what reaches training of what each of them says.
 *
 * <p>Readers see slates of five of twenty items and click one of them or none; a ring clicks the target in every slate it gets.
 */
final class RingLab {
    static final String TARGET = "i0";

    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final int ITEMS = 20;
    private static final int SLATE = 5;

    private final GuardProfile profile;
    private final Random random;
    /** Of its own, so that readers do the same with a ring and without. */
    private final Random ringsOwn;
    private final UserCap users = new UserCap(Duration.ofDays(7));
    private final CrowdCap crowd;
    private final Map<String, GuardState> states = new HashMap<>();
    private final Map<Integer, AimUse> aims = new HashMap<>();
    private CrowdShare all = CrowdShare.getDefaultInstance();

    RingLab(GuardProfile profile, long seed) {
        this.profile = profile;
        this.crowd = new CrowdCap(profile);
        this.random = new Random(seed);
        this.ringsOwn = new Random(seed + 1);
    }

    /** What was said and what of it passed, of the target and of all. */
    static final class Tally {
        int shown;
        int clicked;
        int said;
        int passed;

        double rate() {
            return shown == 0 ? 0 : (double) clicked / shown;
        }

        double refused() {
            return said == 0 ? 0 : 1 - (double) passed / said;
        }
    }

    /** A click at a time. */
    private record Said(long atMillis, String user, String item, boolean targetShown) {}

    /**
     * Users who come at an even rate.
     *
     * @param names they are drawn of so many names; 0: each is another one
     * @param perMinute slates a minute of all of them
     * @param likes chance of a click on the target where it is shown
     */
    record Readers(String prefix, int names, double perMinute, double likes) {}

    /** Lets groups of users go on for some minutes from a given one, and tells what of the target's slates gets through. */
    Tally run(int fromMinute, int minutes, List<Readers> groups, int ring) {
        List<Said> said = new ArrayList<>();
        Tally tally = new Tally();
        for (int minute = fromMinute; minute < fromMinute + minutes; minute++) {
            for (Readers group : groups) {
                read(minute, group, said, tally);
            }
            for (int member = 0; member < ring; member++) {
                for (int i = 0; i < 20; i++) {
                    said.add(new Said(at(minute, ringsOwn), "ring-" + member, TARGET, true));
                }
            }
        }
        said.sort(java.util.Comparator.comparingLong(Said::atMillis));
        said.forEach(each -> offer(each, tally));
        return tally;
    }

    private static long at(int minute, Random random) {
        return START + minute * 60_000L + random.nextInt(60_000);
    }

    private void read(int minute, Readers group, List<Said> said, Tally tally) {
        int slates =
                (int) group.perMinute() + (random.nextDouble() < group.perMinute() % 1 ? 1 : 0);
        for (int i = 0; i < slates; i++) {
            String user = group.prefix()
                    + (group.names() == 0 ? random.nextLong() : random.nextInt(group.names()));
            boolean target = random.nextInt(ITEMS) < SLATE;
            boolean clicksTarget = target && random.nextDouble() < group.likes();
            // Seen and passed over: the silence of honest readers is not the guard's to take away here.
            tally.shown += target && !clicksTarget ? 1 : 0;
            if (clicksTarget || random.nextDouble() < 0.4) {
                String item = clicksTarget ? TARGET : "i" + (1 + random.nextInt(ITEMS - 1));
                said.add(new Said(at(minute, random), user, item, clicksTarget));
            }
        }
    }

    private void offer(Said said, Tally tally) {
        tally.said++;
        UserCap.Decision alone = users.admit(profile,
                states.getOrDefault(said.user(), GuardState.getDefaultInstance()),
                SignalClass.CLICKS, said.atMillis(), said.atMillis());
        if (!alone.admitted()) {
            return;
        }
        states.put(said.user(), alone.state());
        OptionalInt aim = Aim.of(example(said.item()));
        CrowdCap.Decision together = crowd.admit(all,
                aims.getOrDefault(aim.getAsInt(), AimUse.getDefaultInstance()),
                alone.state().getFirstSeenMillis(), said.atMillis(), said.atMillis());
        if (!together.admitted()) {
            return;
        }
        all = together.all();
        aims.put(aim.getAsInt(), java.util.Objects.requireNonNull(together.aim()));
        tally.passed++;
        if (said.targetShown()) {
            tally.shown++;
            tally.clicked++;
        }
    }

    private static LabelledExample example(String item) {
        LabelledExample.Builder example = LabelledExample.newBuilder()
                .setExample(Example.newBuilder()
                        .addOptions(
                                LabelledOption.newBuilder().setCandidateId(item).setLabel(1)));
        example.getFeedbackBuilder()
                .getEventBuilder()
                .getSignalBuilder()
                .getClickBuilder()
                .setCandidateId(item);
        return example.build();
    }
}
