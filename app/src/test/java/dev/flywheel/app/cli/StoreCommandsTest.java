package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.local.StoredAdapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store's files are checked, copied and given back by the command line, and damage is named. */
class StoreCommandsTest {
    private static final String NAME = "default/news";

    @TempDir Path temp;
    private Path data;
    private Path model;

    @BeforeEach
    void makeAdapter() throws IOException {
        data = temp.resolve("data");
        model = Path.of(System.getProperty("user.dir"), "../models/flywheel-base");
        create(NAME);
    }

    private void create(String name) throws IOException {
        CommandRun.json("adapter", "create", "-o", "json", name, "--data", data, "--model", model,
                "--rank", "4");
    }

    private Path file(Path store, String suffix) throws IOException {
        try (Stream<Path> all = Files.list(store.resolve("rocksdb"))) {
            return all.filter(path -> path.toString().endsWith(suffix))
                    .max(Comparator.comparing(path -> path.toFile().length()))
                    .orElseThrow();
        }
    }

    private static void flip(Path file, int offset) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[offset] ^= 1;
        Files.write(file, bytes);
    }

    @Test
    void aSoundStoreIsSaidToBeSoundAndADamagedOneIsNamed() throws IOException {
        JsonNode sound = CommandRun.json("store", "check", "-o", "json", "--data", data);
        assertThat(sound.at("/damages").asInt()).isZero();
        assertThat(sound.at("/adapters").asInt()).isEqualTo(1);
        assertThat(sound.at("/commits").asLong()).isEqualTo(sound.at("/marked").asLong());
        // Opening it moves the blob into a file of its own.
        CommandRun.of("adapter", "list", "--data", data);
        Path blobs = file(data.resolve("store"), ".blob");
        flip(blobs, (int) Files.size(blobs) / 2);
        Path json = temp.resolve("check.json");
        CommandRun damaged =
                CommandRun.of("store", "check", "--data", data, "--json", json);
        assertThat(damaged.code()).isEqualTo(1);
        assertThat(damaged.out()).contains("damaged  blob ", "1 damaged");
        assertThat(Files.readString(json)).contains("\"damages\" : 1");
    }

    @Test
    void aStoreInUseIsLeftAlone() {
        try (StoredAdapters held = StoredAdapters.open(
                new ConfigLoader().load(Map.of(), null, Map.of()), data, false)) {
            CommandRun.fails("in use by another flywheel process", "store", "check", "--data",
                    data);
        }
        CommandRun.fails("holds no store", "store", "check", "--data", temp.resolve("nothing"));
    }

    @Test
    void aBackupIsRestoredToTheLastByteAndNeverOverAStore() throws IOException {
        Path backup = temp.resolve("backup");
        JsonNode made = CommandRun.json("store", "backup", "-o", "json", "--data", data, "--out",
                backup);
        assertThat(made.at("/check/adapters").asInt()).isEqualTo(1);
        assertThat(backup.resolve("SHA256SUMS")).exists();
        create("default/later");
        CommandRun.fails("is not empty", "store", "backup", "--data", data, "--out", backup);
        CommandRun.fails("holds a store", "store", "restore", "--from", backup, "--data", data);

        Path other = temp.resolve("other");
        CommandRun.json("store", "restore", "-o", "json", "--from", backup, "--data", other);
        JsonNode list = CommandRun.json("adapter", "list", "-o", "json", "--data", other);
        assertThat(list).hasSize(1);
        assertThat(list.at("/0/adapter").asText()).isEqualTo(NAME);
        assertThat(CommandRun.json("adapter", "list", "-o", "json", "--data", data)).hasSize(2);
    }

    @Test
    void aDamagedBackupIsNotRestoredAndADamagedStoreNotBackedUp() throws IOException {
        Path backup = temp.resolve("backup");
        CommandRun.json("store", "backup", "-o", "json", "--data", data, "--out", backup);
        Path log = file(backup, ".log");
        flip(log, (int) Files.size(log) / 2);
        Path other = temp.resolve("other");
        CommandRun.fails("rocksdb/" + log.getFileName() + " is missing or not as it was", "store",
                "restore", "--from", backup, "--data", other);
        assertThat(other.resolve("store")).doesNotExist();

        log = file(data.resolve("store"), ".log");
        flip(log, (int) Files.size(log) / 2);
        Path second = temp.resolve("second");
        CommandRun.fails("is damaged", "store", "backup", "--data", data, "--out", second);
        assertThat(second).doesNotExist();
    }

    @Test
    void aLostTailIsRefusedWithWhatToDoUntilItIsAccepted() throws IOException {
        Path log = file(data.resolve("store"), ".log");
        byte[] bytes = Files.readAllBytes(log);
        Files.write(log, Arrays.copyOf(bytes, bytes.length - 1));
        CommandRun.fails("accept-loss --commits 1", "adapter", "list", "--data", data);
        assertThat(CommandRun.of("store", "check", "--data", data).out())
                .contains("newest commits", "accept-loss --commits 1");
        CommandRun.fails("accept-loss --commits 1", "store", "accept-loss", "--data", data,
                "--commits", "2");
        assertThat(CommandRun.of("store", "accept-loss", "--data", data, "--commits", "1").out())
                .contains("gave up 1 commits");
        assertThat(CommandRun.json("adapter", "list", "-o", "json", "--data", data)).isEmpty();
        assertThat(CommandRun.of("store", "check", "--data", data).code()).isZero();
    }
}
