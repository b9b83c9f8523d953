package dev.flywheel.pipelines.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.FileSystem.WriteMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTest {
    private static final byte[] STATE = "offset 41, label i3".getBytes(StandardCharsets.UTF_8);

    @TempDir Path folder;

    @Test
    void theNewestCompleteCheckpointOfAllJobsIsFound() throws Exception {
        assertThat(Checkpoints.newest(folder.resolve("none"))).isEmpty();
        assertThat(Checkpoints.newest(folder)).isEmpty();
        checkpoint("job-a/chk-9", 2_000);
        Path newest = checkpoint("job-b/chk-1", 3_000);
        checkpoint("job-b/chk-0", 1_000);
        Files.createDirectories(folder.resolve("job-b/chk-2")); // without metadata: not complete
        assertThat(Checkpoints.newest(folder)).contains(newest);
    }

    @Test
    void ofTwoWrittenAtOnceTheHigherNumberIsNewer() throws Exception {
        checkpoint("job/chk-9", 1_000);
        Path newest = checkpoint("job/chk-10", 1_000);
        assertThat(Checkpoints.newest(folder)).contains(newest);
    }

    @Test
    void aCheckpointWithAnyBitFlippedIsPassedOver() throws Exception {
        Path older = checkpoint("job/chk-1", 1_000);
        Path state = checkpoint("job/chk-2", 2_000).resolve("state");
        byte[] whole = Files.readAllBytes(state);
        for (int at = 0; at < whole.length; at++) {
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) (1 << at % 8);
            Files.write(state, flipped);
            assertThat(Checkpoints.newest(folder)).as("byte %d", at).contains(older);
        }
    }

    @Test
    void aCheckpointCutAnywhereIsPassedOver() throws Exception {
        Path older = checkpoint("job/chk-1", 1_000);
        Path metadata = checkpoint("job/chk-2", 2_000).resolve("_metadata");
        byte[] whole = Files.readAllBytes(metadata);
        for (int length = 0; length < whole.length; length++) {
            Files.write(metadata, Arrays.copyOf(whole, length));
            Files.setLastModifiedTime(metadata, FileTime.fromMillis(2_000));
            assertThat(Checkpoints.newest(folder)).as("%d bytes", length).contains(older);
        }
    }

    @Test
    void aFileStandsUnderItsNameOnlyOnceItIsWhole() throws Exception {
        Path file = folder.resolve("state");
        org.apache.flink.core.fs.Path path =
                new org.apache.flink.core.fs.Path(CheckedFileSystem.uri(file));
        try (FSDataOutputStream out =
                FileSystem.get(path.toUri()).create(path, WriteMode.NO_OVERWRITE)) {
            out.write(STATE);
            out.flush();
            assertThat(file).doesNotExist();
        }
        assertThat(folder).isDirectoryContaining(each -> each.equals(file));
        assertThatThrownBy(() -> FileSystem.get(path.toUri())
                .create(path, WriteMode.NO_OVERWRITE)).isInstanceOf(IOException.class)
                .hasMessageContaining("exists");
    }

    @Test
    void flinkReadsWhatItWroteFromAnyPlaceAndNothingBehindIt() throws Exception {
        Path state = checkpoint("job/chk-1", 1_000).resolve("state");
        try (FSDataInputStream in = open(state)) {
            assertThat(in.readAllBytes()).isEqualTo(STATE);
            assertThat(in.read()).isEqualTo(-1);
            in.seek(7);
            assertThat(in.read()).isEqualTo('4');
            assertThat(in.readNBytes(99)).hasSize(STATE.length - 8);
        }
    }

    @Test
    void flinkIsToldThatAFileIsDamagedBeforeItReadsAnyOfIt() throws Exception {
        Path state = checkpoint("job/chk-1", 1_000).resolve("state");
        byte[] bytes = Files.readAllBytes(state);
        bytes[bytes.length / 3] ^= 1;
        Files.write(state, bytes);

        assertThatThrownBy(() -> open(state)).isInstanceOf(IOException.class)
                .hasMessageContaining(state.toString())
                .hasMessageContaining("damaged");
    }

    private static FSDataInputStream open(Path file) throws IOException {
        org.apache.flink.core.fs.Path path =
                new org.apache.flink.core.fs.Path(CheckedFileSystem.uri(file));
        return FileSystem.get(path.toUri()).open(path);
    }

    private Path checkpoint(String name, long writtenAt) throws IOException {
        Path path = Files.createDirectories(folder.resolve(name));
        for (String file : new String[] {"state", "_metadata"}) {
            write(path.resolve(file));
            Files.setLastModifiedTime(path.resolve(file), FileTime.fromMillis(writtenAt));
        }
        return path;
    }

    private static void write(Path file) throws IOException {
        org.apache.flink.core.fs.Path path =
                new org.apache.flink.core.fs.Path(CheckedFileSystem.uri(file));
        try (FSDataOutputStream out =
                FileSystem.get(path.toUri()).create(path, WriteMode.NO_OVERWRITE)) {
            out.write(STATE[0]);
            out.write(STATE, 1, STATE.length - 1);
        }
    }
}
