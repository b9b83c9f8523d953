package dev.flywheel.app.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class QuantizationRunTest {
    private static final long SEED = 31;
    private static final int TEXTS = 60;

    @Test
    void theBuiltInBaseStaysWithinWhatEachFormatPromises() {
        QuantizationReport report =
                new QuantizationRun(builtInBase(), "cpu", 1, TEXTS, SEED).measure(done -> {});

        assertThat(report.tokens()).isGreaterThan(1000);
        assertThat(report.formats()).extracting(QuantizationReport.Figures::weights)
                .containsExactly("q8", "q4");
        assertThat(report.formats()).allSatisfy(format -> {
            assertThat(format.held()).as("seed %d: %s", SEED, format).isTrue();
            assertThat(format.logitError()).isPositive();
            assertThat(format.logLossChange()).as("seed %d: %s", SEED, format)
                    .isBetween(-0.01, 0.01);
            assertThat(format.bitsPerWeight()).isLessThan(report.bitsPerWeight());
        });
        assertThat(report.formats().getFirst().allowed()).isEqualTo(0.01);
        assertThat(report.formats().getLast().allowed()).isEqualTo(0.06);
    }

    private static Path builtInBase() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path folder = at.resolve("models/flywheel-base");
            if (Files.isRegularFile(folder.resolve("config.json"))) {
                return folder;
            }
        }
        throw new IllegalStateException("models/flywheel-base is not in this checkout");
    }
}
