package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.chaos.ChaosReport;
import dev.flywheel.app.chaos.ChaosRun;
import dev.flywheel.app.chaos.ChaosSettings;
import dev.flywheel.app.chaos.Fault;
import dev.flywheel.app.cluster.Member;
import dev.flywheel.app.local.Closing;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The loop as six processes, some of them killed: the short form of {@code ./flywheel chaos}. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ChaosTest {
    /** Its first kills are of Flink's task manager and of the store. */
    private static final long SEED = 49;
    private static final long MIXED = 3;

    @TempDir Path folder;

    /** Also what the short run above has no time for: two jobs, lost state, full disks, flipped bits, surgery. */
    @Test
    void everyKindOfFaultTogetherLosesNothing() throws Exception {
        ChaosReport report = run(new ChaosSettings(Duration.ofSeconds(25), MIXED,
                EnumSet.allOf(Fault.class), EnumSet.allOf(Member.class), 0, 20,
                Duration.ofMillis(300), ""));

        assertThat(report.violations()).as(report.text()).isEmpty();
        assertThat(report.difference()).isZero();
        assertThat(report.fates().trained()).isPositive();
    }

    @Test
    void aPromiseThatIsBrokenOnPurposeIsNoticed() throws Exception {
        ChaosReport report = run(new ChaosSettings(Duration.ofSeconds(1), SEED,
                EnumSet.of(Fault.CLIENT), EnumSet.allOf(Member.class), 0, 20,
                Duration.ofMillis(500), "epoch"));

        assertThat(report.violations()).as(report.text()).anyMatch(said -> said.contains("I1"));
        assertThat(report.held()).isFalse();
    }

    private ChaosReport run(ChaosSettings settings) throws Exception {
        try (Closing closing = new Closing()) {
            return new ChaosRun(settings, folder, BuiltInBase.folder(), null,
                    "seed " + settings.seed(), (what, second) -> {}, closing).run();
        }
    }

    @Test
    void whatWasAcknowledgedIsTrainedOnceThoughProcessesAreKilled() throws Exception {
        ChaosSettings settings =
                new ChaosSettings(Duration.ofSeconds(1), SEED,
                        EnumSet.of(Fault.KILL, Fault.CLIENT), EnumSet.allOf(Member.class),
                        2, 20, Duration.ofMillis(500), "");

        ChaosReport report = run(settings);

        assertThat(report.violations()).as(report.text()).isEmpty();
        assertThat(report.kills()).isEqualTo(2);
        assertThat(report.lost()).isZero();
        assertThat(report.trainedTwice()).isZero();
        assertThat(report.difference()).isZero();
        assertThat(report.fates().trained()).isPositive();
    }
}
