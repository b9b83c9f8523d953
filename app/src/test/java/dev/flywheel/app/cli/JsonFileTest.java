package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.flywheel.app.local.StartException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonFileTest {
    @TempDir Path folder;

    record Figures(double measured, double missing) {}

    record Rows(double[] all, Double boxed, float single) {}

    @Test
    void whatWasNotMeasuredIsNull() {
        assertThat(JsonFile.text(new Figures(0.5, Double.NaN)))
                .contains("\"measured\" : 0.5")
                .contains("\"missing\" : null");
    }

    @Test
    void noNumberIsEverAText() {
        assertThat(JsonFile.text(
                new Rows(new double[] {1.5, Double.NaN}, Double.POSITIVE_INFINITY, Float.NaN)))
                .contains("null", "\"boxed\" : null", "\"single\" : null")
                .doesNotContain("\"NaN\"", "Infinity");
        assertThat(JsonFile.text(new Rows(new double[0], 0.1, 0.1f)))
                .contains("\"boxed\" : 0.1", "\"single\" : 0.1");
    }

    @Test
    void aFileThatCanBeWrittenPassesAndIsNotMadeYet() {
        Path file = folder.resolve("figures.json");

        JsonFile.requireWritable(file);

        assertThat(file).doesNotExist();
    }

    @Test
    void aFolderInPlaceOfAFileAndAMissingFolderAreRefused() {
        for (Path path : new Path[] {folder, folder.resolve("none").resolve("figures.json")}) {
            assertThatThrownBy(() -> JsonFile.requireWritable(path))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(path.toString())
                    .hasMessageContaining("--json");
        }
    }

    @Test
    void aFileThatCannotBeWrittenIsNamedWithCauseAndRemedy() {
        assertThatThrownBy(() -> JsonFile.write(folder, new Figures(1, 1)))
                .isInstanceOf(StartException.class)
                .hasMessage(
                        "file %s given with --json cannot be written (is a folder); give another file with --json, or free space on its disk"
                                .formatted(folder));
    }

    @Test
    void aFileWithoutPermissionIsRefused() throws Exception {
        Path file = Files.writeString(folder.resolve("figures.json"), "x");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        assumeFalse(Files.isWritable(file), "this user may write any file");

        assertThatThrownBy(() -> JsonFile.requireWritable(file))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("not writable");
    }
}
