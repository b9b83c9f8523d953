package dev.flywheel.feedback.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UnwrittenTest {
    @Test
    void theOldestThatIsNotWrittenCountsWhateverTheOrder() {
        Unwritten unwritten = new Unwritten();
        assertThat(unwritten.since()).isZero();
        unwritten.begin(20);
        unwritten.begin(10);
        unwritten.begin(10);
        assertThat(unwritten.since()).isEqualTo(10);
        unwritten.end(10);
        assertThat(unwritten.since()).as("two were served then").isEqualTo(10);
        unwritten.end(10);
        assertThat(unwritten.since()).isEqualTo(20);
        unwritten.end(20);
        assertThat(unwritten.since()).isZero();
    }
}
