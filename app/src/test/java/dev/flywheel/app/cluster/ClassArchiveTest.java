package dev.flywheel.app.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassArchiveTest {
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java")
            .toString();
    private static final String MAIN = Greeting.class.getName();
    private static final String FROM_ARCHIVE = MAIN + " source: shared objects file";

    @TempDir private Path folder;

    private Path jar;

    /** What the processes run. */
    public static final class Greeting {
        public static void main(String[] args) {
            System.out.println("greetings");
        }
    }

    @BeforeEach
    void aProgram() throws IOException {
        jar = folder.resolve("program.jar");
        String entry = MAIN.replace('.', '/') + ".class";
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
                InputStream in = Objects.requireNonNull(
                        getClass().getClassLoader().getResourceAsStream(entry))) {
            out.putNextEntry(new ZipEntry(entry));
            in.transferTo(out);
        }
    }

    private ClassArchive archive(String... more) {
        List<String> java = new ArrayList<>(List.of(JAVA));
        java.addAll(List.of(more));
        java.addAll(List.of("-cp", jar.toString()));
        return ClassArchive.in(folder.resolve("kept"), java);
    }

    /** What a process says that is started with the archive's flags; it must end well. */
    private String started(ClassArchive archive) throws Exception {
        List<String> command = new ArrayList<>(List.of(JAVA));
        command.addAll(archive.flags());
        command.addAll(List.of("-Xlog:class+load:stdout", "-cp", jar.toString(), MAIN));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).contains("greetings");
        return said;
    }

    private ClassArchive made() throws Exception {
        ClassArchive archive = archive();
        assertThat(started(archive)).doesNotContain(FROM_ARCHIVE);
        assertThat(archive.list()).isTrue();
        archive.make();
        return archive;
    }

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("kept"))) {
            return files.filter(file -> file.getFileName().toString().matches("classes-[0-9a-f]+"))
                    .toList();
        }
    }

    @Test
    void laterProcessesStartWithWhatTheFirstHasLoaded() throws Exception {
        ClassArchive archive = archive();
        assertThat(archive.list()).as("there is nothing to make it of").isFalse();
        assertThat(started(made())).contains(FROM_ARCHIVE);
        assertThat(archive().settled()).as("it is there for the next one, too").isTrue();
    }

    @Test
    void anotherProgramOrCommandGetsItsOwn() throws Exception {
        var unused = made();
        assertThat(archive("-Dother=1").settled()).isFalse();
        assertThat(kept()).as("what does not fit is gone").isEmpty();
        var again = made();
        Files.setLastModifiedTime(jar, FileTime.fromMillis(1));
        assertThat(archive().settled()).isFalse();
        assertThat(again.settled()).isFalse();
    }

    @Test
    void aDamagedFileIsNotUsedAndStopsNoProcess() throws Exception {
        ClassArchive archive = made();
        Path file = kept().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        assertThat(started(archive)).doesNotContain(FROM_ARCHIVE);
        Files.writeString(file, "not an archive");
        assertThat(started(archive)).doesNotContain(FROM_ARCHIVE);
    }

    @Test
    void aFailedDumpLeavesNoFileAndSaysSo() throws Exception {
        ClassArchive archive = archive("-XX:NoSuchFlag");
        var unused = started(archive);
        assertThat(archive.list()).isTrue();
        assertThatThrownBy(archive::make).isInstanceOf(IOException.class)
                .hasMessageContaining("ends with 1");
        assertThat(kept()).isEmpty();
    }

    @Test
    void thereIsNoneWhereTheJvmWouldNotTakeIt() {
        ClassArchive ofFolders = ClassArchive.in(folder.resolve("kept"),
                List.of(JAVA, "-cp", folder.toString()));
        ClassArchive twoPaths = ClassArchive.in(folder.resolve("a:b"),
                List.of(JAVA, "-cp", jar.toString()));
        assertThat(List.of(ofFolders, twoPaths)).allMatch(ClassArchive::settled)
                .allMatch(archive -> archive.flags().isEmpty());
    }
}
