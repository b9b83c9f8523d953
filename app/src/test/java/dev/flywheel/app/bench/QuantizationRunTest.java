package dev.flywheel.app.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QuantizationRunTest {
    private static final long SEED = 31;
    private static final int TEXTS = 60;
    private static final int ANSWERS = 150;

    @Test
    void theBuiltInBaseStaysWithinWhatEachFormatPromises() {
        QuantizationReport report =
                new QuantizationRun(BuiltInBase.folder(), "cpu", 1, TEXTS, ANSWERS, SEED)
                        .measure(done -> {});

        assertThat(report.tokens()).isGreaterThan(1000);
        assertThat(report.learned().answers()).isEqualTo(ANSWERS);
        assertThat(report.learned().prequentialLogLoss()).as("seed %d: %s", SEED, report)
                .isLessThan(report.learned().unlearnedLogLoss() / 2);
        assertThat(report.formats()).extracting(QuantizationReport.Figures::weights)
                .containsExactly("q8", "q4");
        assertThat(report.formats()).allSatisfy(format -> {
            assertThat(format.held()).as("seed %d: %s", SEED, format).isTrue();
            assertThat(format.logitError()).isPositive();
            assertThat(format.logLossChange()).as("seed %d: %s", SEED, format)
                    .isBetween(-0.01, 0.01);
            assertThat(format.prequentialChange()).as("seed %d: %s", SEED, format)
                    .isBetween(-0.05, 0.05)
                    .isNotZero();
            assertThat(format.bitsPerWeight()).isLessThan(report.bitsPerWeight());
        });
        assertThat(report.formats().getFirst().allowed()).isEqualTo(0.01);
        assertThat(report.formats().getLast().allowed()).isEqualTo(0.06);
    }
}
