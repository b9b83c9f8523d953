package dev.flywheel.trainer.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Steps that come back to a batch find the base's rows again, and only that batch's. */
class LeashReuseTest {
    private static final int BATCHES = 9; // more than the pass keeps

    @Test
    void comingBackToABatchGivesTheLeashOfAPassThatNeverSawIt() throws Exception {
        try (OracleCase at = new OracleCase("reference", "training/sft-qv");
                TrainableAdapter adapter =
                        TrainableAdapter.of(at.base, at.adapter("warm"), null)) {
            List<PackedBatch> batches = new ArrayList<>();
            for (int n = 0; n < BATCHES; n++) {
                batches.add(batch(n));
            }
            for (int turn = 0; turn < 2; turn++) {
                for (PackedBatch batch : batches) {
                    assertThat(leash(at.pass, batch, adapter))
                            .isEqualTo(leashOfAFreshPass(at, batch, adapter));
                }
                assertThat(leash(at.pass, batches.get(BATCHES - 2), adapter))
                        .isEqualTo(leashOfAFreshPass(at, batches.get(BATCHES - 2), adapter));
            }
        }
    }

    private static PackedBatch batch(int n) {
        PackedBatch.Builder builder = PackedBatch.builder();
        int segment = builder.segment(new int[] {5 + n, 17, 33 + n, 2});
        builder.leash(builder.row(segment, 1)).leash(builder.lastRow(segment));
        return builder.build();
    }

    private static double[] leash(TrainingPass pass, PackedBatch batch, TrainableAdapter adapter) {
        pass.forward(batch, adapter);
        return pass.leash();
    }

    private static double[] leashOfAFreshPass(
            OracleCase at, PackedBatch batch, TrainableAdapter adapter) {
        try (TrainingPass fresh = new TrainingPass(at.base, new DeviceLoop(1, () -> 0), 16)) {
            double[] leash = leash(fresh, batch, adapter);
            assertThat(leash).doesNotContain(0);
            return leash;
        }
    }
}
