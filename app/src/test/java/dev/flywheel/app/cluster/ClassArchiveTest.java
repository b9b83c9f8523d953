package dev.flywheel.app.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassArchiveTest {
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java")
            .toString();

    @TempDir private Path folder;

    private Path file;
    private ClassArchive archive;

    @BeforeEach
    void nothingIsThereYet() {
        file = folder.resolve("member.jsa");
        archive = new ClassArchive(file);
    }

    /** What a process says that is started with the archive's flags; it must end well. */
    private String started() throws Exception {
        List<String> command = new ArrayList<>(List.of(JAVA));
        command.addAll(archive.flags());
        command.addAll(List.of("-Xlog:class+load:stdout", "-version"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }

    @Test
    void laterProcessesStartWithWhatTheFirstHasLoaded() throws Exception {
        assertThat(archive.make(List.of(JAVA))).as("there is nothing to make it of").isFalse();
        var unused = started();
        assertThat(archive.make(List.of(JAVA))).isTrue();
        assertThat(started()).contains("shared objects file");
    }

    @Test
    void aFileThatCannotBeUsedStopsNoProcess() throws Exception {
        Files.writeString(file, "not an archive");
        assertThat(started()).contains("java.lang.Object");
    }

    @Test
    void aFailedDumpLeavesNoFile() throws Exception {
        var unused = started();
        assertThat(archive.make(List.of(JAVA, "-XX:NoSuchFlag"))).isFalse();
        assertThat(file).doesNotExist();
    }
}
