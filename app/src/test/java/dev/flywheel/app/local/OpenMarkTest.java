package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenMarkTest {
    @TempDir private Path folder;

    private record Opened(OpenMark mark, double unclean) {}

    private Opened open() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        OpenMark mark = new OpenMark(folder.resolve("store"), meters);
        return new Opened(mark, meters.get("flywheel.store.opened.unclean").gauge().value());
    }

    @Test
    void aStoreThatWasClosedOpensCleanAndOneThatWasNotDoesNot() throws IOException {
        Opened first = open();
        first.mark().opened();
        first.mark().close();
        Opened second = open();
        second.mark().opened();
        Opened afterKill = open();

        assertThat(first.unclean()).isZero();
        assertThat(second.unclean()).isZero();
        assertThat(afterKill.unclean()).isEqualTo(1);
    }

    @Test
    void aStartThatFailsBeforeTheStoreIsOpenLeavesWhatIsKnown() throws IOException {
        open();
        Opened failed = open();
        failed.mark().close();

        assertThat(open().unclean()).isEqualTo(1);
    }
}
