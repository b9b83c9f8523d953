package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.app.FlywheelCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class OpeCommandTest {
    private static final Offset<Double> SEVEN_DIGITS = Offset.offset(5e-8);

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        return line.execute(args);
    }

    private Path log(String... rows) throws Exception {
        Path file = folder.resolve("log.csv");
        List<String> lines = new ArrayList<>(List.of("item_id,click,propensity_score"));
        lines.addAll(List.of(rows));
        return Files.write(file, lines);
    }

    private static Path men(String policy) {
        String within = "data/open-bandit-men/" + policy + "/men.csv";
        String property = System.getProperty("flywheel.shared");
        if (property != null) {
            return Path.of(property).resolve(within);
        }
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.exists(up.resolve("shared").resolve(within))) {
                return up.resolve("shared").resolve(within);
            }
        }
        abort("SKIPPED: no shared/" + within + " beside the repository; set -Dflywheel.shared");
        throw new IllegalStateException();
    }

    @Test
    void theOpenBanditLogGivesThePublishedFigures() throws Exception {
        Path json = folder.resolve("ope.json");
        assertThat(run("ope", "--log", men("bts").toString(), "--policy", "uniform", "--json",
                json.toString())).as(err.toString()).isZero();
        JsonNode estimates = new ObjectMapper().readTree(json.toFile()).path("estimates");
        assertThat(estimates.path("ips").path("value").asDouble())
                .isEqualTo(0.0030086, SEVEN_DIGITS);
        assertThat(estimates.path("snips").path("value").asDouble())
                .isEqualTo(0.0031894, SEVEN_DIGITS);
        assertThat(estimates.path("effectiveSamples").asDouble())
                .isEqualTo(655.7, Offset.offset(0.05));
        assertThat(out.toString()).contains("IPS    0.0030086", "SNIPS  0.0031894",
                "as good as 655.7");
    }

    @Test
    void aPolicyIsWorthWhatItEarnedInItsOwnLog() throws Exception {
        Path json = folder.resolve("ope.json");
        assertThat(run("ope", "--log", men("random").toString(), "--policy", "uniform", "--json",
                json.toString())).as(err.toString()).isZero();
        JsonNode estimates = new ObjectMapper().readTree(json.toFile()).path("estimates");
        assertThat(estimates.path("ips").path("value").asDouble())
                .isEqualTo(estimates.path("logged").asDouble(), Offset.offset(1e-7));
    }

    @Test
    void anEstimateOfTooFewEffectiveSamplesIsRefused() throws Exception {
        assertThat(run("ope", "--policy", "uniform", "--log",
                log("a,1,0.5", "a,0,0.5", "b,0,0.5", "b,1,0.5").toString())).isEqualTo(1);
        assertThat(err.toString()).contains("no estimate of uniform", "4 decisions",
                "ope.effective_samples_min asks for 100");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aPolicyThatDoesWhatTheLogsNeverDidIsRefused() throws Exception {
        String[] rows = new String[400];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (i % 4 == 0 ? "a" : "b") + ",0,1.0";
        }
        assertThat(run("ope", "--policy", "uniform", "--log", log(rows).toString())).isEqualTo(1);
        assertThat(err.toString()).contains("weights average 0.500", "never does");
    }

    @Test
    void whatIsNotTextIsRefusedWithTheFilesName() throws Exception {
        Path file = folder.resolve("latin.csv");
        Files.write(file, "item_id,click,propensity_score\n\u00e9,1,0.5\n"
                .getBytes(StandardCharsets.ISO_8859_1));
        assertThat(run("ope", "--policy", "uniform", "--log", file.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("latin.csv");
    }

    @Test
    void theLeastNumberOfEffectiveSamplesIsASetting() throws Exception {
        Path settings = Files.writeString(folder.resolve("flywheel.yaml"),
                "ope:\n  effective_samples_min: 2\n");
        assertThat(run("ope", "--policy", "uniform", "--config", settings.toString(), "--log",
                log("a,1,0.5", "b,0,0.5", "b,0,0.5", "a,1,0").toString())).as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("passed over: 1, propensity is unknown");
    }

    @Test
    void aPolicyThatIsUnknownOrNeedsScoresIsRefusedByName() throws Exception {
        String file = log("a,1,0.5").toString();
        assertThat(run("ope", "--log", file, "--policy", "best")).isEqualTo(2);
        assertThat(run("ope", "--log", file, "--policy", "plackett-luce")).isEqualTo(2);
        assertThat(run("ope", "--log", file, "--policy", "greedy")).isEqualTo(2);
        assertThat(err.toString()).contains("'best' is no policy", "lacks a number",
                "needs the scores");
    }

    @Test
    void aFileThatIsNoLogIsRefusedByName() throws Exception {
        Path other = Files.writeString(folder.resolve("other.csv"), "a,b\n1,2\n");
        assertThat(run("ope", "--log", other.toString(), "--policy", "uniform")).isEqualTo(1);
        assertThat(err.toString()).contains("has no column item_id");
        assertThat(run("ope", "--log", folder.resolve("none.csv").toString(), "--policy",
                "uniform")).isEqualTo(1);
    }
}
