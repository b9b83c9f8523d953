package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFolderTest {
    @TempDir Path folder;

    @Test
    void aSecondTakerIsRefusedWhileTheFirstHoldsIt() {
        try (DataFolder first = DataFolder.take(folder, 1)) {
            assertThatThrownBy(() -> DataFolder.take(folder, 1))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(first.root().toString())
                    .hasMessageContaining("in use by another flywheel process");
        }
        assertThatCode(() -> DataFolder.take(folder, 1).close()).doesNotThrowAnyException();
    }

    @Test
    void aDiskWithTooLittleSpaceIsRefusedWithBothFigures() {
        assertThatThrownBy(() -> DataFolder.take(folder, Integer.MAX_VALUE))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("MiB free")
                .hasMessageContaining("--data");
    }

    @Test
    void aFileInPlaceOfAFolderIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");

        assertThatThrownBy(() -> DataFolder.take(file, 1))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("cannot be used");
    }
}
