package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class StopHookTest {
    @TempDir Path temporary;

    @Test
    void aTemporaryFolderGoesWhenTheProcessIsToldToStop() throws Exception {
        Process process =
                new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djava.io.tmpdir=" + temporary,
                        "-cp", System.getProperty("java.class.path"),
                        Worker.class.getName())
                        .redirectErrorStream(true)
                        .start();
        try (BufferedReader said = process.inputReader()) {
            Path folder = Path.of(said.readLine());
            assertThat(folder.resolve("state")).exists().hasParent(folder);
            assertThat(folder).hasParent(temporary);

            process.toHandle().destroy(); // SIGTERM, and its output stays open

            assertThat(said.lines()).containsExactly("draining...", "stopped");
            assertThat(process.waitFor()).isEqualTo(128 + 15);
            assertThat(folder).doesNotExist();
        }
    }

    /** Works on a temporary folder until it is told to stop. */
    static final class Worker {
        public static void main(String[] args) throws Exception {
            try (StopHook stop =
                    new StopHook(new PrintWriter(System.out, true, StandardCharsets.UTF_8))) {
                TemporaryFolder folder = new TemporaryFolder("work");
                var unused = stop.closing().add("folder", () -> folder);
                Files.writeString(folder.path().resolve("state"), "x");
                System.out.println(folder.path());
                Thread.currentThread().join();
            }
        }
    }

    @Test
    void whatWasStartedIsClosedInSilenceWhenTheCommandEnds() throws Exception {
        java.io.StringWriter err = new java.io.StringWriter();
        TemporaryFolder folder = new TemporaryFolder("work");
        Files.createDirectories(folder.path().resolve("a/b"));
        Files.writeString(folder.path().resolve("a/b/state"), "x");

        try (StopHook stop = new StopHook(new PrintWriter(err))) {
            var unused = stop.closing().add("folder", () -> folder);
        }

        assertThat(folder.path()).doesNotExist();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aTemporaryFolderThatCannotBeMadeIsToldWithTheRemedy() throws Exception {
        Path none = temporary.resolve("none");
        Process process =
                new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djava.io.tmpdir=" + none,
                        "-cp", System.getProperty("java.class.path"),
                        Worker.class.getName())
                        .redirectErrorStream(true)
                        .start();
        try (BufferedReader said = process.inputReader()) {
            assertThat(said.lines()).anyMatch(
                    line -> line.endsWith(
                            "a temporary folder cannot be made in " + none
                                    + " (does not exist); give another place with FLYWHEEL_JAVA_OPTS=-Djava.io.tmpdir=DIR"));
        }
    }

    @Test
    void aTemporaryFolderThatIsGoneAlreadyIsNoFailure() throws Exception {
        TemporaryFolder folder = new TemporaryFolder("work");
        Files.delete(folder.path());

        folder.close();
    }
}
