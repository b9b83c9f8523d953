package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.training.PackedBatch;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AveragingTest {
    @Test
    void everyUserHasTheSameShareAndAllSharesSumToOne() {
        List<PreparedExample> examples = Stream.of("a", "b", "b", "b", "").map(this::by).toList();
        Averaging averaging = new Averaging(examples);
        assertThat(averaging.users()).isEqualTo(3);
        assertThat(averaging.share(examples.get(0))).isCloseTo(1.0 / 3, within(1e-12));
        assertThat(averaging.share(examples.get(1))).isCloseTo(1.0 / 9, within(1e-12));
        assertThat(examples.stream().mapToDouble(averaging::share).sum())
                .isCloseTo(1, within(1e-12));
    }

    private PreparedExample by(String user) {
        PackedBatch.Builder rows = PackedBatch.builder();
        rows.segment(new int[] {1});
        return new PreparedExample.Text(
                Example.newBuilder().setUser(user).build(), rows.build(), new double[0]);
    }
}
