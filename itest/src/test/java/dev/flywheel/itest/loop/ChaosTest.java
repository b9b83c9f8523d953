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

    @TempDir Path folder;

    @Test
    void whatWasAcknowledgedIsTrainedOnceThoughProcessesAreKilled() throws Exception {
        ChaosSettings settings =
                new ChaosSettings(Duration.ofSeconds(1), SEED,
                        EnumSet.of(Fault.KILL, Fault.CLIENT), EnumSet.allOf(Member.class),
                        2, 20, Duration.ofMillis(500), "");

        ChaosReport report;
        try (Closing closing = new Closing()) {
            report = new ChaosRun(settings, folder, BuiltInBase.folder(), null, "seed " + SEED,
                    (what, second) -> {}, closing).run();
        }

        assertThat(report.violations()).as(report.text()).isEmpty();
        assertThat(report.kills()).isEqualTo(2);
        assertThat(report.lost()).isZero();
        assertThat(report.trainedTwice()).isZero();
        assertThat(report.difference()).isZero();
        assertThat(report.fates().trained()).isPositive();
    }
}
