package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFolderTest {
    @TempDir Path folder;

    @Test
    void aSecondTakerIsRefusedWhileTheFirstHoldsIt() {
        try (DataFolder first = DataFolder.take(folder, 1, "--data")) {
            assertThatThrownBy(() -> DataFolder.take(folder, 1, "--data"))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(first.root().toString())
                    .hasMessageContaining("in use by another flywheel process");
        }
        assertThatCode(() -> DataFolder.take(folder, 1, "--data").close())
                .doesNotThrowAnyException();
    }

    @Test
    void aSecondTakerInTheSameProcessDoesNotLetAnotherProcessIn() throws Exception {
        try (DataFolder first = DataFolder.take(folder, 1, "--data")) {
            assertThatThrownBy(() -> DataFolder.take(folder, 1, "--data"))
                    .isInstanceOf(StartException.class);

            assertThat(takenByAnotherProcess()).isEqualTo("refused");
        }
        assertThat(takenByAnotherProcess()).isEqualTo("taken");
    }

    /** Tries to take the folder, in a process of its own. */
    static final class Taker {
        public static void main(String[] args) {
            try (DataFolder taken = DataFolder.take(Path.of(args[0]), 1, "--data")) {
                System.out.print(taken.root().equals(Path.of(args[0])) ? "taken" : "");
            } catch (StartException e) {
                System.out.print("refused");
            }
        }
    }

    private String takenByAnotherProcess() throws Exception {
        Process process =
                new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp", System.getProperty("java.class.path"),
                        Taker.class.getName(), folder.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return said;
    }

    @Test
    void aDiskWithTooLittleSpaceIsRefusedWithBothFigures() {
        assertThatThrownBy(() -> DataFolder.take(folder, Integer.MAX_VALUE, "--data"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("MiB free")
                .hasMessageContaining("on another disk with --data, or lower data.free_mib_min");
    }

    @Test
    void aFileInPlaceOfAFolderIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");

        assertThatThrownBy(() -> DataFolder.take(file, 1, "--data"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("cannot be used (a file of that name exists)");
    }

    @Test
    void theRemedyOfATemporaryFolderNamesNoOptionThatTheCommandLacks() throws IOException {
        String option = OptionNames.TEMPORARY.dataFolder();
        Path file = Files.writeString(folder.resolve("file"), "x");

        assertThatThrownBy(() -> DataFolder.take(folder, Integer.MAX_VALUE, option))
                .hasMessageContaining("FLYWHEEL_JAVA_OPTS=-Djava.io.tmpdir=DIR")
                .hasMessageNotContaining("--data");
        assertThatThrownBy(() -> DataFolder.take(file, 1, option))
                .hasMessageContaining("FLYWHEEL_JAVA_OPTS=-Djava.io.tmpdir=DIR")
                .hasMessageNotContaining("--data");
        try (DataFolder held = DataFolder.take(folder, 1, option)) {
            assertThatThrownBy(() -> held.requireSpace(Integer.MAX_VALUE))
                    .hasMessageContaining("java.io.tmpdir")
                    .hasMessageNotContaining("--data");
        }
    }
}
