package dev.flywheel.app.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.cluster.Member;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FaultPlanTest {
    private static final int STEPS = 500;
    private static final Set<Member> ALL = EnumSet.allOf(Member.class);

    @Test
    void theSameSeedIsTheSameFaults() {
        assertThat(steps(7, EnumSet.allOf(Fault.class)))
                .isEqualTo(steps(7, EnumSet.allOf(Fault.class)))
                .isNotEqualTo(steps(8, EnumSet.allOf(Fault.class)));
    }

    @Test
    void everyProcessIsKilledAndEveryFailpointReachedInALongRun() {
        Set<Member> killed = EnumSet.noneOf(Member.class);
        Set<Failpoint> armed = new HashSet<>();
        for (FaultPlan.Step step : steps(1, EnumSet.of(Fault.KILL, Fault.FAILPOINT))) {
            if (step.fault() == Fault.KILL) {
                killed.add(step.member());
            } else {
                armed.add(step.failpoint());
                assertThat(step.member()).isEqualTo(step.failpoint().member());
            }
        }

        assertThat(killed).containsExactlyInAnyOrder(Member.values());
        assertThat(armed).containsExactlyInAnyOrderElementsOf(Failpoint.ALL);
    }

    @Test
    void onlyWhatWasChosenIsDone() {
        assertThat(steps(3, EnumSet.of(Fault.FREEZE, Fault.CLIENT)))
                .allMatch(step -> step.fault() == Fault.FREEZE);
    }

    @Test
    void clientsAloneLeaveNothingToCarryOut() {
        assertThat(new FaultPlan(1, EnumSet.of(Fault.CLIENT), ALL, 1_000).empty()).isTrue();
    }

    @Test
    void onlyChosenProcessesAreHit() {
        FaultPlan plan = new FaultPlan(4, EnumSet.of(Fault.KILL, Fault.FAILPOINT),
                EnumSet.of(Member.TRAINER, Member.BROKER), 1_000);

        assertThat(Stream.generate(plan::next).limit(STEPS).map(FaultPlan.Step::member))
                .containsOnly(Member.TRAINER, Member.BROKER);
    }

    private static List<FaultPlan.Step> steps(long seed, Set<Fault> faults) {
        FaultPlan plan = new FaultPlan(seed, faults, ALL, 1_000);
        return Stream.generate(plan::next).limit(STEPS).toList();
    }
}
