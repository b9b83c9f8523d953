package dev.flywheel.trainer.lineage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundFixture;
import dev.flywheel.trainer.round.RoundLimits;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P12: what a round is not bound to changes no bit of it; what changes a bit, it is bound to. */
class DeviceIndependenceTest {
    private static final int ROUNDS = 3;

    @TempDir Path folder;

    /** On a base as large as the built-in one: on a smaller one no call would be split. */
    @Test
    void threadsLanesKeptPanelsAndRoomForRanksChangeNoBit() throws Exception {
        try (TestLine line = TestLine.start(folder, TinyBase.BUILT_IN)) {
            line.train(ROUNDS);
            for (int threads = 2; threads <= 3; threads++) {
                long panelBytes = threads == 3 ? 0 : 1L << 20;
                try (Backend backend = new CpuBackend(threads, panelBytes);
                        RoundFixture other = TestLine.base(folder, backend, TinyBase.BUILT_IN);
                        Round round =
                                new Round(other.base, other.tokenizer, other.anchors,
                                        new DeviceLoop(2, System::nanoTime),
                                        new RoundLimits(512, 16), System::nanoTime)) {
                    Comparison comparison =
                            new LineageReplay(new StoredLineage(line.at.store), round,
                                    Gate.DEFAULT)
                                    .compare(new LineageRange(TestLine.ADAPTER, 0, ROUNDS),
                                            LineageListener.NONE, () -> false);
                    assertThat(comparison.difference()).as("%d threads", threads).isNull();
                    assertThat(comparison.versions()).isEqualTo(ROUNDS);
                }
            }
        }
    }

    /** How many rows an example may take decides which ones fit, and how anchors are packed. */
    @Test
    void theRowsThatTheDeviceTakesAndTheTokenizerAreNamedInTheBinding() throws Exception {
        try (TestLine line = TestLine.start(folder, TinyBase.SMALL)) {
            RoundFixture on = line.at.fixture;
            try (Round round =
                    new Round(on.base, on.tokenizer, on.anchors,
                            new DeviceLoop(1, System::nanoTime), new RoundLimits(256, 8),
                            System::nanoTime)) {
                assertThat(on.round.binding())
                        .contains(" rows/512 ", " tokens/" + on.tokenizer.fingerprint() + " ");
                assertThat(round.binding())
                        .isEqualTo(on.round.binding().replace("rows/512", "rows/256"));
            }
        }
    }
}
