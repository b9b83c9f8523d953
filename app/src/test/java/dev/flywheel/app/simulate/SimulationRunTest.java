package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.Closing;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class SimulationRunTest {
    private static final AnswerScenario SHORT =
            new AnswerScenario("correction", "corrections of two answers",
                    AnswerSession.Kind.CORRECTION, AdapterSettings.teacher(), 4, 4, 2);

    @TempDir Path folder;

    /** The whole loop, hours in the past, on a clock that moves only between the rounds of questions. */
    @Test
    void whatAnnotatorsCorrectIsAnsweredRightlyAfterwards() throws InterruptedException {
        SimulatedClock clock = SimulationRun.clock(InstantSource.system().instant());
        Instant start = clock.instant();
        SimulationRun run = new SimulationRun(SHORT, 1, 1);
        ByteArrayOutputStream shown = new ByteArrayOutputStream();
        SimulationReport report;
        try (Closing closing = new Closing()) {
            LocalLoop node = LocalLoop.start(config(), folder, base(), OptionNames.TEMPORARY,
                    closing, line -> {}, LoadProgress.NONE, clock);
            report = run.in(new SimulationRun.Theatre(node, new Topics("local"), folder, clock),
                    new Progress(new PrintStream(shown, true, StandardCharsets.UTF_8), false,
                            "steps", run.steps(), 0),
                    () -> 0);
        }

        assertThat(report.met()).as("%s", report).isTrue();
        assertThat(report.seeds().getFirst().figure("learned", "reward")).isEqualTo(1);
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(4 * 65));
        assertThat(shown.toString(StandardCharsets.UTF_8)).contains("4/4 steps");
    }

    private static FlywheelConfig config() {
        Map<String, Object> settings = new HashMap<>(SimulationRun.DEFAULTS);
        settings.put("data.free_mib_min", 16);
        return new ConfigLoader().load(null, settings);
    }

    private static Path base() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path model = at.resolve("models/flywheel-base");
            if (Files.isRegularFile(model.resolve("config.json"))) {
                return model;
            }
        }
        throw new IllegalStateException("models/flywheel-base is not in this checkout");
    }

    @Test
    void aScenarioThatDoesNotExistIsRefusedByName() {
        assertThatThrownBy(() -> SimulationRun.of("nosuch", 1, 1))
                .hasMessageContaining("--scenario is nosuch, allowed are click");
    }

    @Test
    void noSeedsAreRefused() {
        assertThatThrownBy(() -> SimulationRun.of("click", 1, 0))
                .hasMessageContaining("--seeds is 0, allowed is 1 to 100");
    }
}
