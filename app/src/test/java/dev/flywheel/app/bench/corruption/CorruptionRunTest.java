package dev.flywheel.app.bench.corruption;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.bench.corruption.CorruptionReport.Fate;
import dev.flywheel.app.config.ConfigLoader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The short form of {@code ./flywheel bench corruption}: a store's damage is never an answer. */
class CorruptionRunTest {

    /** {@code -Dflywheel.seed=N} takes another store and other damage, {@code -Dflywheel.flips=N} more of it. */
    @Test
    void noDamageToAFileOfAStoreIsTakenForAnAnswer(@TempDir Path folder) throws Exception {
        long seed = Long.getLong("flywheel.seed", 11);
        int flips = Integer.getInteger("flywheel.flips", 24);
        CorruptionReport report = new CorruptionRun(
                new ConfigLoader().load(Map.of(), null, Map.of()), folder, seed, System::nanoTime)
                .run(flips, false, 2, total -> {}, done -> {});
        assertThat(report.wrong()).as("seed %s", seed).isEmpty();
        assertThat(report.flips()).isEqualTo(flips);
        assertThat(report.byFate().get(Fate.REFUSED)).isGreaterThan(20);
        assertThat(report.byFile().keySet()).contains("table", "blob file", "write-ahead",
                "MANIFEST", "CURRENT", "format", "highwater");
    }

    @Test
    void recordsOfALogEndWhereItsHeadersSayAlsoAcrossBlocks() {
        ByteBuffer log = ByteBuffer.allocate((32 << 10) + 107).order(ByteOrder.LITTLE_ENDIAN);
        record(log, 0, 50, 1);
        // Leaves five bytes of its block, which hold no header.
        record(log, 57, (32 << 10) - 5 - 57 - 7, 1);
        record(log, 32 << 10, 100, 1);
        assertThat(RecordEnds.of(log.array())).containsExactly(57, (32 << 10) - 5,
                (32 << 10) + 107);
    }

    private static void record(ByteBuffer log, int at, int length, int type) {
        log.putShort(at + 4, (short) length).put(at + 6, (byte) type);
    }
}
