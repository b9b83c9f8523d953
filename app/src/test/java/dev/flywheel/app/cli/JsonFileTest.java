package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JsonFileTest {
    record Figures(double measured, double missing) {}

    @Test
    void whatWasNotMeasuredIsNull() {
        assertThat(JsonFile.text(new Figures(0.5, Double.NaN)))
                .contains("\"measured\" : 0.5")
                .contains("\"missing\" : null");
    }
}
