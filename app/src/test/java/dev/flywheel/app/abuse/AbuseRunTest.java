package dev.flywheel.app.abuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.bench.BuiltInBase;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each row of abuse, small, against nodes on the built-in base. */
@Timeout(300)
class AbuseRunTest {
    private static final long SEED = Long.getLong("flywheel.abuse.seed", 7);

    @TempDir private Path folder;

    static Stream<String> rows() {
        return AbuseRun.titles().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void aNodeKeepsItsPromiseUnderAbuse(String row) throws Exception {
        AbuseReport report = new AbuseRun(folder, BuiltInBase.folder(), SEED, Scale.SHORT,
                System::nanoTime).run(List.of(row), new AbuseRun.Listener() {
                    @Override
                    public void step(String id, long done, long total) {}

                    @Override
                    public void ended(AbuseReport.Row ended) {}
                });
        assertThat(report.held()).as("seed %d: %s", SEED, report.rows()).isTrue();
        assertThat(report.skipped()).doesNotContainKey(row);
    }
}
