package dev.flywheel.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.training.PackedBatch.Segment;
import dev.flywheel.engine.training.PackedBatch.Target;
import java.util.List;
import org.junit.jupiter.api.Test;

class PackedBatchTest {
    private static final int NONE = PackedBatch.NO_PARENT;

    private static PackedBatch of(int rows, Segment... segments) {
        return new PackedBatch(new int[rows], List.of(segments), List.of(), new int[0]);
    }

    @Test
    void theBuilderLaysSegmentsEndToEnd() {
        PackedBatch.Builder builder = PackedBatch.builder();
        int context = builder.segment(new int[] {1, 2, 3});
        int option = builder.child(context, new int[] {4, 5});
        assertThat(builder.lastRow(option)).isEqualTo(4);
        assertThat(builder.target(builder.lastRow(context), 4)).isZero();
        PackedBatch batch = builder.leash(2).build();
        assertThat(batch.tokens()).containsExactly(1, 2, 3, 4, 5);
        assertThat(batch.segments()).containsExactly(new Segment(0, 3, NONE), new Segment(3, 2, 0));
        assertThat(batch.targets()).containsExactly(new Target(2, 4));
        assertThat(batch.leashRows()).containsExactly(2);
    }

    @Test
    void refusesSegmentsThatOverlapOrLeaveHoles() {
        assertThatThrownBy(() -> of(5, new Segment(0, 2, NONE), new Segment(3, 2, NONE)))
                .hasMessageContaining("segment 1 is rows 3 + 2, expected at least one row from 2");
        assertThatThrownBy(() -> of(5, new Segment(0, 4, NONE)))
                .hasMessageContaining("segments cover 4 of 5 rows");
        assertThatThrownBy(() -> of(0)).hasMessageContaining("of at least one");
    }

    @Test
    void refusesParentsThatAreNotEarlierRoots() {
        assertThatThrownBy(() -> of(2, new Segment(0, 1, 0), new Segment(1, 1, NONE)))
                .hasMessageContaining("segment 0 has parent 0");
        assertThatThrownBy(() -> of(
                3, new Segment(0, 1, NONE), new Segment(1, 1, 0), new Segment(2, 1, 1)))
                .hasMessageContaining("segment 2 has parent 1");
    }

    @Test
    void refusesRowsOutsideAndLeashRowsOutOfOrder() {
        List<Segment> one = List.of(new Segment(0, 2, NONE));
        assertThatThrownBy(() -> new PackedBatch(
                new int[2], one, List.of(new Target(2, 0)), new int[0]))
                .hasMessageContaining("row 2 is outside the batch of 2");
        assertThatThrownBy(() -> new PackedBatch(new int[2], one, List.of(), new int[] {1, 1}))
                .hasMessageContaining("ascend");
    }
}
