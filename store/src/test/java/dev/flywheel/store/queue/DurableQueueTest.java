package dev.flywheel.store.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.queue.DurableQueue.Entry;
import dev.flywheel.store.rocksdb.RocksQueue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableQueueTest {
    private static final QueueLimits LIMITS = new QueueLimits(1_000, 100);

    private static final int DAMAGES = 150;

    @TempDir Path folder;

    private final List<Entry> found = new ArrayList<>();

    private DurableQueue open(Path at) {
        return RocksQueue.open(at, LIMITS, this::finding);
    }

    private Consumer<Entry> finding() {
        found.clear();
        return found::add;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(List<Entry> entries) {
        return entries.stream()
                .map(entry -> new String(entry.bytes(), StandardCharsets.UTF_8))
                .toList();
    }

    /** What a process that is killed leaves behind. */
    private Path copy(Path from) throws IOException {
        Path to = Files.createTempDirectory(folder, "killed");
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        Files.deleteIfExists(to.resolve("LOCK"));
        return to;
    }

    @Test
    void recordsComeOutInTheOrderInWhichTheyWentIn() {
        try (DurableQueue queue = open(folder.resolve("q"))) {
            for (int i = 0; i < 10; i++) {
                assertThat(queue.append(bytes("r" + i))).hasValue(i);
            }
            assertThat(texts(queue.read(0, 3))).containsExactly("r0", "r1", "r2");
            assertThat(texts(queue.read(8, 3))).containsExactly("r8", "r9");
        }
    }

    @Test
    void whatWasAppendedIsThereAfterTheProcessIsKilled() throws Exception {
        Path before = folder.resolve("q");
        try (DurableQueue queue = open(before)) {
            var unused = queue.append(bytes("first"));
            unused = queue.append(bytes("second"));
            queue.remove(queue.read(0, 1).get(0));
            Path killed = copy(before);
            try (DurableQueue again = open(killed)) {
                assertThat(texts(found)).containsExactly("second");
                assertThat(again.size()).isEqualTo(1);
                assertThat(again.bytes()).isEqualTo(6);
                assertThat(again.append(bytes("third"))).hasValue(2);
            }
        }
    }

    @Test
    void aRecordThatBreaksALimitIsNotTakenAndChangesNothing() {
        try (DurableQueue queue = open(folder.resolve("q"))) {
            assertThat(queue.append(new byte[101])).isEmpty();
            for (int i = 0; i < 10; i++) {
                assertThat(queue.append(new byte[100])).isPresent();
            }
            assertThat(queue.append(new byte[1])).isEmpty();
            assertThat(queue.size()).isEqualTo(10);
            queue.remove(queue.read(4, 1).get(0));
            assertThat(queue.append(new byte[100])).isPresent();
        }
    }

    @Test
    void countsFollowAnyOrderOfAppendingAndRemoving() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        List<Entry> there = new ArrayList<>();
        try (DurableQueue queue = open(folder.resolve("q"))) {
            for (int i = 0; i < 2_000; i++) {
                if (random.nextBoolean() || there.isEmpty()) {
                    byte[] record = new byte[random.nextInt(1, 101)];
                    queue.append(record).ifPresent(number -> there.add(new Entry(number, record)));
                } else {
                    Entry gone = there.remove(random.nextInt(there.size()));
                    queue.remove(gone);
                    queue.remove(gone);
                }
                assertThat(queue.size()).as("seed %d", seed).isEqualTo(there.size());
                assertThat(queue.bytes()).as("seed %d", seed)
                        .isEqualTo(there.stream().mapToLong(each -> each.bytes().length).sum());
            }
            assertThat(queue.read(0, 10_000)).as("seed %d", seed)
                    .extracting(Entry::number)
                    .isEqualTo(there.stream().map(Entry::number).toList());
        }
    }

    @Test
    void aClosedQueueSaysSo() {
        DurableQueue queue = open(folder.resolve("q"));
        queue.close();
        queue.close();
        assertThatThrownBy(() -> queue.append(bytes("x"))).isInstanceOf(StoreException.class)
                .hasMessageContaining("not open");
    }

    @Test
    void aReopenedQueueHoldsWhatItHeldAndUsesNoNumberAgain() {
        try (DurableQueue queue = open(folder.resolve("q"))) {
            var unused = queue.append(bytes("first"));
            unused = queue.append(bytes("second"));
            queue.remove(queue.read(1, 1).get(0));
            queue.reopen(this::finding);
            assertThat(texts(found)).containsExactly("first");
            assertThat(queue.bytes()).isEqualTo(5);
            assertThat(queue.append(bytes("third"))).hasValue(2);
        }
    }

    @Test
    void whatStandsBeforeATornEndIsKept() throws Exception {
        Path at = folder.resolve("q");
        try (DurableQueue queue = open(at)) {
            for (int i = 0; i < 10; i++) {
                var unused = queue.append(bytes("record " + i));
            }
        }
        damageTheEndOfLogs(at);
        try (DurableQueue queue = open(at)) {
            assertThat(texts(found)).hasSize(9).startsWith("record 0", "record 1");
            assertThat(queue.append(bytes("next"))).isPresent();
        }
    }

    @Test
    void damagedFilesArePutAside() throws Exception {
        Path at = folder.resolve("q");
        try (DurableQueue queue = open(at)) {
            var unused = queue.append(bytes("gone"));
        }
        Files.writeString(at.resolve("CURRENT"), "MANIFEST-999999\n");
        try (DurableQueue queue = open(at)) {
            assertThat(found).isEmpty();
            assertThat(queue.append(bytes("next"))).isPresent();
        }
        assertThat(folder.resolve("q.damaged-1")).isDirectory();
    }

    /** Bits flip and ends are gone, one at a time, in any file that a stopped process left. */
    @Test
    void damageLosesRecordsAtMostAndNeverChangesOne() throws Exception {
        Path whole = folder.resolve("q");
        List<String> written = new ArrayList<>();
        for (int opened = 0; opened < 2; opened++) {
            try (DurableQueue queue = open(whole)) {
                for (int i = 0; i < 5; i++) {
                    written.add("record " + opened + "/" + i);
                    assertThat(queue.append(bytes(written.getLast()))).isPresent();
                }
            }
        }
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < DAMAGES; i++) {
            Path spoilt = copy(whole);
            String what = spoil(spoilt, random);
            try (DurableQueue queue = open(spoilt)) {
                assertThat(written.stream().filter(texts(found)::contains))
                        .as("seed %d: %s", seed, what)
                        .containsExactlyElementsOf(texts(found));
                assertThat(queue.size()).isEqualTo(found.size());
                assertThat(queue.append(bytes("next"))).isPresent();
            }
        }
    }

    private static String spoil(Path at, SplittableRandom random) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.list(at)) {
            all = files.filter(file -> file.toFile().length() > 0).sorted().toList();
        }
        Path file = all.get(random.nextInt(all.size()));
        byte[] content = Files.readAllBytes(file);
        int where = random.nextInt(content.length);
        if (random.nextBoolean()) {
            Files.write(file, Arrays.copyOf(content, where));
            return file.getFileName() + " cut to " + where;
        }
        content[where] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, content);
        return file.getFileName() + " flipped at " + where;
    }

    @Test
    void aFolderInUseIsRefusedAndNotPutAside() {
        Path at = folder.resolve("q");
        try (DurableQueue queue = open(at)) {
            assertThatThrownBy(() -> open(at)).isInstanceOf(StoreException.class);
            assertThat(folder.resolve("q.damaged-1")).doesNotExist();
            assertThat(queue.append(bytes("still here"))).isPresent();
        }
    }

    private static void damageTheEndOfLogs(Path at) throws IOException {
        try (Stream<Path> files = Files.list(at)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".log")).toList()) {
                byte[] content = Files.readAllBytes(file);
                if (content.length > 0) {
                    content[content.length - 1] ^= 1;
                    Files.write(file, content);
                }
            }
        }
    }
}
