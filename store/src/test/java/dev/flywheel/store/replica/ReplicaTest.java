package dev.flywheel.store.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.store.rocksdb.RocksReplicaDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaTest {
    private static final int BLOB = 10_000;
    private static final int DAMAGES = 150;

    @TempDir Path folder;

    private final AtomicInteger renewed = new AtomicInteger();
    private final List<String> events = new ArrayList<>();

    private Replica open(Path at, long bytesMax) {
        Replica replica = new Replica(new RocksReplicaDisk(at, renewed::incrementAndGet),
                bytesMax, Set.of("serving", "canary"), new ReplicaEvents() {
                    @Override
                    public void damaged(String digest, String why) {
                        events.add("damaged");
                    }

                    @Override
                    public void evicted(String digest, boolean wanted) {
                        events.add(wanted ? "evicted wanted" : "evicted");
                    }

                    @Override
                    public void tooLarge(String digest, long bytes) {
                        events.add("too large");
                    }

                    @Override
                    public void older(String what) {
                        events.add("older");
                    }
                });
        replica.open();
        return replica;
    }

    private Replica open(Path at) {
        return open(at, 1 << 20);
    }

    private static byte[] weights(String adapter, long number) {
        byte[] bytes = new byte[BLOB];
        new SplittableRandom(adapter.hashCode() * 31L + number).nextBytes(bytes);
        return bytes;
    }

    private static String digest(String adapter, long number) {
        return Digest.of(weights(adapter, number)).hex();
    }

    private static AdapterRecord adapter(String name) {
        return AdapterRecord.newBuilder().setName(name).setCreatedAtMillis(1).build();
    }

    private static VersionRecord version(String adapter, long number) {
        return VersionRecord.newBuilder()
                .setManifestSeq(number)
                .setRef(VersionRef.newBuilder()
                        .setAdapter(adapter)
                        .setNumber(number)
                        .setDigest(digest(adapter, number)))
                .build();
    }

    private static AliasRecord alias(String adapter, String alias, long number, long revision) {
        return AliasRecord.newBuilder()
                .setAdapter(adapter)
                .setAlias(alias)
                .setVersion(number)
                .setRevision(revision)
                .build();
    }

    /** As a node does that serves a version. */
    private static void serve(Replica replica, String adapter, long number) {
        replica.told(adapter(adapter));
        replica.told(version(adapter, number));
        assertThat(replica.told(alias(adapter, "serving", number, number))).isTrue();
        replica.fetched(digest(adapter, number), weights(adapter, number));
        replica.backend(adapter, number, "cpu " + number);
        replica.answers("serving", version(adapter, number));
        replica.reached(number);
        replica.flush();
    }

    private static byte[] blob(Replica replica, String adapter, long number) {
        return replica.blob(digest(adapter, number));
    }

    /** What a process that is killed leaves behind. */
    private Path copy(Path from) throws IOException {
        Path to = Files.createTempDirectory(folder, "killed").resolve("r");
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
        Files.deleteIfExists(to.resolve("db").resolve("LOCK"));
        return to;
    }

    @Test
    void whatWasWrittenIsThereAfterTheProcessIsKilled() throws Exception {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
            serve(replica, "a", 2);
            serve(replica, "b", 7);
            try (Replica again = open(copy(folder.resolve("r")))) {
                assertThat(again.commit()).isEqualTo(7);
                assertThat(again.standing().adapters()).containsExactly(adapter("a"), adapter("b"));
                assertThat(again.standing().aliases())
                        .extracting(AliasRecord::getAdapter, AliasRecord::getVersion)
                        .containsExactly(org.assertj.core.groups.Tuple.tuple("a", 2L),
                                org.assertj.core.groups.Tuple.tuple("b", 7L));
                assertThat(blob(again, "a", 1)).isEqualTo(weights("a", 1));
                assertThat(blob(again, "a", 2)).isEqualTo(weights("a", 2));
                assertThat(again.version("a", 1)).isEqualTo(version("a", 1));
                assertThat(again.backend("b", 7)).isEqualTo("cpu 7");
                assertThat(again.bytes()).isEqualTo(3 * BLOB);
            }
        }
    }

    @Test
    void aNodeBeginsWithTheLastVersionThatAnsweredWhateverWasToldSince() {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
            replica.told(version("a", 2));
            assertThat(replica.told(alias("a", "serving", 2, 2))).isTrue();
            replica.flush();
        }
        try (Replica again = open(folder.resolve("r"))) {
            assertThat(again.standing().aliases())
                    .extracting(AliasRecord::getVersion)
                    .containsExactly(1L);
        }
    }

    @Test
    void anAliasNeverGoesBack() {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 5);
        }
        try (Replica again = open(folder.resolve("r"))) {
            assertThat(again.told(alias("a", "serving", 4, 4))).isFalse();
            assertThat(again.told(alias("a", "serving", 3, 6))).isTrue();
            assertThat(events).containsExactly("older");
        }
    }

    @Test
    void adaptersThatTheStoreNoLongerNamesVanishWithTheirWeights() {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
            serve(replica, "b", 1);
        }
        try (Replica again = open(folder.resolve("r"))) {
            again.begin();
            again.told(adapter("b"));
            assertThat(again.toldAll()).containsExactly("a");
            again.flush();
        }
        try (Replica again = open(folder.resolve("r"))) {
            assertThat(again.standing().adapters()).containsExactly(adapter("b"));
            assertThat(blob(again, "a", 1)).isNull();
            assertThat(blob(again, "b", 1)).isNotNull();
        }
    }

    @Test
    void whatIsUsedLeastGoesFirstAndWhatAliasesNameLast() {
        try (Replica replica = open(folder.resolve("r"), 3 * BLOB)) {
            serve(replica, "a", 1);
            serve(replica, "b", 1);
            serve(replica, "b", 2);
            serve(replica, "b", 3);
            // b@1 went: a@1 is older, but serves.
            assertThat(blob(replica, "b", 1)).isNull();
            assertThat(blob(replica, "a", 1)).isNotNull();
            serve(replica, "c", 1);
            assertThat(events).containsExactly("evicted", "evicted");
            serve(replica, "d", 1);
            assertThat(events.getLast()).isEqualTo("evicted wanted");
            assertThat(replica.bytes()).isEqualTo(3 * BLOB);
        }
    }

    @Test
    void aVersionThatWasSupersededBeforeItCouldBeWrittenIsNot() {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
            replica.told(version("a", 2));
            assertThat(replica.told(alias("a", "serving", 2, 2))).isTrue();
            replica.fetched(digest("a", 2), weights("a", 2));
            serve(replica, "a", 3);
            assertThat(blob(replica, "a", 2)).isNull();
            assertThat(blob(replica, "a", 3)).isNotNull();
        }
    }

    @Test
    void weightsLargerThanTheReplicaAreNotKept() {
        try (Replica replica = open(folder.resolve("r"), BLOB - 1)) {
            serve(replica, "a", 1);
            assertThat(events).containsExactly("too large");
            assertThat(replica.bytes()).isZero();
            assertThat(replica.missing()).isNull();
        }
    }

    @Test
    void theFolderStaysBoundedHoweverManyVersionsPass() throws Exception {
        long bytesMax = 4 << 20;
        try (Replica replica = open(folder.resolve("r"), bytesMax)) {
            for (int number = 1; number <= 10_000; number++) {
                serve(replica, "a", number);
            }
            assertThat(replica.bytes()).isLessThanOrEqualTo(bytesMax);
        }
        try (Stream<Path> files = Files.walk(folder.resolve("r"))) {
            assertThat(files.mapToLong(file -> file.toFile().length()).sum())
                    .isLessThan(2 * bytesMax + (100 << 20));
        }
    }

    /** Bits flip and ends are gone, one at a time, in any file that a stopped process left. */
    @Test
    void damageLosesWeightsAtMostAndNeverChangesAny() throws Exception {
        Path whole = folder.resolve("r");
        for (int opened = 0; opened < 3; opened++) {
            try (Replica replica = open(whole)) {
                for (int i = 1; i <= 3; i++) {
                    serve(replica, "a", 3L * opened + i);
                }
            }
        }
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        int changed = 0;
        for (int i = 0; i < DAMAGES; i++) {
            Path spoilt = copy(whole);
            String what = spoil(spoilt, random);
            try (Replica replica = open(spoilt)) {
                for (int number = 1; number <= 9; number++) {
                    byte[] read = blob(replica, "a", number);
                    changed += read == null ? 1 : 0;
                    if (read != null) {
                        assertThat(read).as("seed %d: %s", seed, what)
                                .isEqualTo(weights("a", number));
                    }
                    VersionRecord version = replica.version("a", number);
                    if (version != null) {
                        assertThat(version).as("seed %d: %s", seed, what)
                                .isEqualTo(version("a", number));
                    }
                }
                // Whatever was lost: it takes what comes and has it.
                serve(replica, "a", 10);
                assertThat(blob(replica, "a", 10)).as("seed %d: %s", seed, what)
                        .isEqualTo(weights("a", 10));
            }
        }
        assertThat(changed).isPositive();
    }

    private static String spoil(Path at, SplittableRandom random) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(at)) {
            all = files.filter(file -> Files.isRegularFile(file) && file.toFile().length() > 0)
                    .sorted()
                    .toList();
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

    /** RocksDB's own checksums would hide what the digest is for. */
    @Test
    void weightsThatDoNotMatchTheirDigestAreDroppedCountedAndFetchedAgain() {
        RocksReplicaDisk disk = new RocksReplicaDisk(folder.resolve("r"), () -> {});
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
        }
        disk.open();
        disk.write(List.of(new ReplicaDisk.Change(ReplicaDisk.Shelf.BLOBS,
                new Digest(digest("a", 1)).raw(), weights("a", 2))));
        disk.close();
        try (Replica replica = open(folder.resolve("r"))) {
            assertThat(blob(replica, "a", 1)).isNull();
            assertThat(events).containsExactly("damaged");
            assertThat(replica.missing()).isEqualTo(digest("a", 1));
            replica.fetched(digest("a", 1), weights("a", 1));
            replica.flush();
            assertThat(blob(replica, "a", 1)).isEqualTo(weights("a", 1));
        }
        try (Replica replica = open(folder.resolve("r"))) {
            assertThat(blob(replica, "a", 1)).isEqualTo(weights("a", 1));
        }
    }

    @Test
    void aNewerFormatIsPutAsideAndBegunAnew() throws Exception {
        try (Replica replica = open(folder.resolve("r"))) {
            serve(replica, "a", 1);
        }
        Files.writeString(folder.resolve("r").resolve("format"), "flywheel replica format 2\n");
        try (Replica replica = open(folder.resolve("r"))) {
            assertThat(renewed).hasValue(1);
            assertThat(replica.standing().adapters()).isEmpty();
            assertThat(folder.resolve("r.aside").resolve("format")).hasContent(
                    "flywheel replica format 2");
            serve(replica, "a", 1);
        }
        try (Replica replica = open(folder.resolve("r"))) {
            assertThat(blob(replica, "a", 1)).isNotNull();
        }
    }
}
