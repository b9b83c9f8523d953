package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.app.FlywheelCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CommandLineTest {
    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void numbersOfThreadsThatNobodyHasAreUsageErrors() {
        for (String[] args : new String[][] {{"oracle", "x", "--threads", "0"},
            {"model", "logits", "--prompt", "a", "--threads", "0"},
            {"adapter", "verify", "x", "--threads", "-1"},
            {"bench", "quantization", "--threads", "0"}}) {
            assertThat(run(args)).as("%s", List.of(args)).isEqualTo(2);
        }
    }

    @Test
    void anUnknownFlagIsNamedInOneLineWithExitCode2() {
        assertThat(run("up", "--dat", "x")).isEqualTo(2);
        assertThat(err.toString().lines()).containsExactly(
                "flywheel: unknown options: '--dat', 'x' (did you mean --data?); see ./flywheel up --help");
    }

    @Test
    void aCommandLineThatIsWrongIsOneLineWhateverIsWrongWithIt() {
        for (String[] args : new String[][] {
            {}, {"dmeo"}, {"demo", "rest"}, {"demo", "--seconds"}, {"demo", "--seconds", "x"},
            {"replay"}, {"up", "--zzz"}, {"pretrain", "--out", "x", "--steps", "0"},
            {"pretrain", "--out", "x", "--threads", "0"}
        }) {
            err.getBuffer().setLength(0);

            assertThat(run(args)).as("%s", List.of(args)).isEqualTo(2);
            assertThat(err.toString().lines()).hasSize(1)
                    .allSatisfy(line -> assertThat(line).startsWith("flywheel: ")
                            .contains("; see ./flywheel")
                            .endsWith(" --help"));
        }
    }

    @Test
    void aDemoShorterThanItCanBeIsACommandLineThatIsWrong() {
        assertThat(run("demo", "--seconds", "5")).isEqualTo(2);
        assertThat(err.toString()).contains("--seconds is 5, allowed is 10 to 86400");
    }

    @Test
    void aModelFolderThatIsNoneIsNamedWithTheRemedy() {
        assertThat(run("up", "--data", folder.toString(), "--model", folder.toString()))
                .isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains(folder.toString())
                .contains("config.json")
                .contains("--model");
    }

    @Test
    void everyCommandExplainsItself() {
        for (String[] command : commands()) {
            assertThat(run(with(command, "--help"))).as(String.join(" ", command)).isZero();
        }
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("demo").contains("replay").contains("pretrain");
    }

    @Test
    void theSettingsThatConfigPrintsAreValid() throws Exception {
        assertThat(run("config")).isZero();
        Path file = java.nio.file.Files.writeString(folder.resolve("all.yaml"), out.toString());

        assertThat(run("config", "--config", file.toString())).isZero();
    }

    @Test
    void aLimitBelowOneIsRefusedByName() {
        assertThat(run("replay", "--ratings", "a", "--items", "b", "--limit", "0")).isEqualTo(2);
        assertThat(err.toString()).contains("--limit is 0, it must be at least 1");
    }

    @Test
    void aFileOfAnotherFormatIsRefusedBeforeAnythingStarts() throws Exception {
        Path file = java.nio.file.Files.writeString(folder.resolve("x.csv"), "a,b\n1,2\n");

        assertThat(run("replay", "--ratings", file.toString(), "--items", file.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("is not a MovieLens file");
    }

    @Test
    void pretrainOverwritesNothing() throws Exception {
        java.nio.file.Files.writeString(folder.resolve("precious"), "x");

        assertThat(run("pretrain", "--out", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("is not empty");
    }

    @Test
    void aFolderThatPretrainCannotMakeIsToldBeforeTheWorkWithTheRemedy() throws Exception {
        Path file = java.nio.file.Files.writeString(folder.resolve("file"), "x");
        Path below = file.resolve("model");

        assertThat(run("pretrain", "--out", below.toString())).isEqualTo(1);
        assertThat(err.toString()).isEqualToIgnoringNewLines(
                "flywheel: --out " + below
                        + " cannot be made (part of its path is not a folder); give a new folder where you may write");
    }

    @Test
    void aFileThatCannotBeReadIsNamedWithCauseAndRemedy() throws Exception {
        Path none = folder.resolve("none");
        assertThat(run("replay", "--ratings", none.toString(), "--items", none.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).isEqualToIgnoringNewLines(
                "flywheel: cannot read " + none
                        + " (does not exist); check the path and its rights");
        err.getBuffer().setLength(0);

        assertThat(run("config", "--config", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).isEqualToIgnoringNewLines(
                "flywheel: settings file " + folder
                        + " cannot be read (is a folder); check the path given with --config");
    }

    @Test
    void everyCommandTellsItsVersion() {
        for (String[] command : commands()) {
            // The long name is an adapter's version where that is asked for.
            List<String> options =
                    command[0].equals("lineage") ? List.of("-V") : List.of("-V", "--version");
            for (String option : options) {
                assertThat(run(with(command, option))).as(String.join(" ", command)).isZero();
                assertThat(out.toString()).as(String.join(" ", command)).startsWith("flywheel ");
                out.getBuffer().setLength(0);
            }
        }
    }

    @Test
    void everyOptionNamesInCapitalsWhatItTakes() {
        for (String[] command : commands()) {
            run(with(command, "--help"));
        }

        assertThat(out.toString()).contains("-o=FORMAT").doesNotContain("=<");
    }

    @Test
    void configAsJsonHasEverySettingWithDefaultUnitAndReason() throws Exception {
        assertThat(run("config", "-o", "json")).isZero();
        JsonNode settings = new ObjectMapper().readTree(out.toString());

        assertThat(settings).isNotEmpty()
                .allSatisfy(setting -> assertThat(setting.get("reason").textValue())
                        .as("%s", setting)
                        .isNotBlank());
        assertThat(settings).anySatisfy(setting -> {
            assertThat(setting.get("key").textValue()).isEqualTo("server.message_bytes_max");
            assertThat(setting.get("default").intValue()).isEqualTo(1 << 20);
            assertThat(setting.get("unit").textValue()).isEqualTo("bytes");
            assertThat(setting.get("reason").textValue()).startsWith("Largest message taken");
        });
    }

    @Test
    void aFileThatIsValidIsOneJsonObject() throws Exception {
        Path file = java.nio.file.Files.writeString(folder.resolve("x.yaml"), "server: {port: 1}");

        assertThat(run("config", "-o", "json", "--config", file.toString())).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("valid").booleanValue())
                .isTrue();
    }

    @Test
    void aPortOutOfRangeIsNotBlamedOnAFile() {
        assertThat(run("up", "--port", "99999")).isEqualTo(2);
        assertThat(err.toString()).contains("--port is 99999, allowed is 0 to 65535")
                .doesNotContain("--config");
    }

    /** Every command, and every command below one. */
    private static List<String[]> commands() {
        List<String[]> commands = new ArrayList<>();
        FlywheelCommand.commandLine().getSubcommands().forEach((name, command) -> {
            commands.add(new String[] {name});
            command.getSubcommands()
                    .keySet()
                    .forEach(below -> commands.add(new String[] {name, below}));
        });
        return commands;
    }

    private static String[] with(String[] command, String option) {
        String[] all = java.util.Arrays.copyOf(command, command.length + 1);
        all[command.length] = option;
        return all;
    }

    @Test
    void weightsOfAnUnknownFormatAreRefusedByName() {
        assertThat(run("up", "--weights", "q5")).isEqualTo(2);
        assertThat(err.toString()).contains("--weights")
                .contains("weights are q5, allowed are stored, q8, q4");
    }

    private int run(String... args) {
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }
}
