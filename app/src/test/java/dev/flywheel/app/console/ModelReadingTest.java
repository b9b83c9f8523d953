package dev.flywheel.app.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ModelReadingTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long MEGABYTE = 1_000_000;

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
    private long nanos;

    private ModelReading reading(boolean terminal) {
        return new ModelReading(
                new PrintStream(shown, true, StandardCharsets.UTF_8), terminal, () -> nanos);
    }

    private String[] lines() {
        return shown.toString(StandardCharsets.UTF_8).lines().toArray(String[]::new);
    }

    @Test
    void aSmallModelIsNotWorthALine() {
        ModelReading reading = reading(false);
        nanos = 60 * SECOND;
        reading.read(499 * MEGABYTE, 499 * MEGABYTE);
        assertThat(shown.size()).isZero();
    }

    @Test
    void aLargeOneIsTenSecondsALineAndEndsOnce() {
        ModelReading reading = reading(false);
        for (int tenth = 0; tenth <= 250; tenth++) {
            nanos = tenth * SECOND / 10;
            reading.read(tenth * 10 * MEGABYTE, 2500 * MEGABYTE + 1);
        }
        reading.read(2500 * MEGABYTE + 1, 2500 * MEGABYTE + 1);
        assertThat(lines()).containsExactly(
                "1,000/2,500 MB of the model  100.0/s  0:15 left  ",
                "2,000/2,500 MB of the model  100.0/s  0:05 left  ",
                "2,500/2,500 MB of the model  100.0/s  0:00 left  ");
    }

    @Test
    void aTerminalHasABarThatGrowsInPlace() {
        ModelReading reading = reading(true);
        nanos = SECOND;
        reading.read(500 * MEGABYTE, 1000 * MEGABYTE);
        nanos += SECOND;
        reading.read(1000 * MEGABYTE, 1000 * MEGABYTE);
        assertThat(shown.toString(StandardCharsets.UTF_8))
                .contains("\r\u001b[2K[###############---------------] 500/1,000 MB")
                .contains("[##############################] 1,000/1,000 MB")
                .endsWith("\n")
                .containsOnlyOnce("\n");
    }
}
