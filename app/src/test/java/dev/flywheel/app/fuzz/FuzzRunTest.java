package dev.flywheel.app.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FuzzRunTest {
    private static final long SEED = Long.getLong("flywheel.fuzz.seed", 20260);
    private static final int MUTATIONS = Integer.getInteger("flywheel.fuzz.mutations", 1_500);

    @TempDir Path folder;

    @Test
    void brokenFilesAreRefusedAsDocumentedOrStillValid() throws Exception {
        try (Backend backend = Backends.open("cpu", 1)) {
            FuzzReport report =
                    new FuzzRun(SEED, null, folder, backend, System::nanoTime)
                            .run(0, MUTATIONS, done -> {});

            assertThat(report.failures()).as("seed %d", SEED).isEmpty();
            assertThat(report.held()).isTrue();
            assertThat(report.kinds().keySet())
                    .containsExactly("adapter", "config", "model", "safetensors", "tokenizer");
            assertThat(report.kinds().values())
                    .allSatisfy(count -> assertThat(count.refused()).isPositive());
        }
    }

    @Test
    void anotherExceptionThanTheDocumentedIsFound() throws Exception {
        assertThat(run(place -> {
            throw new IllegalStateException("oops");
        })).contains("threw java.lang.IllegalStateException: oops");
    }

    @Test
    void memoryOutOfProportionIsFound() throws Exception {
        assertThat(run(place -> assertThat(new byte[128 << 20]).isNotNull()))
                .contains("allocated");
    }

    @Test
    void aMessageWithoutBoundsIsFound() throws Exception {
        assertThat(run(place -> {
            throw new AdapterException(AdapterException.Code.MALFORMED, "x".repeat(3_000));
        })).contains("a message of 3000 characters");
    }

    @Test
    void aMutationDependsOnSeedAndNumberAlone() {
        SortedMap<String, byte[]> files = new TreeMap<>();
        files.put("a.json",
                "{\"a\":1,\"b\":[2,3],\"c\":{\"d\":true}}".getBytes(StandardCharsets.UTF_8));
        files.put("b.safetensors", new byte[] {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        for (int number = 0; number < 500; number++) {
            Mutant one = mutate(files, number);
            Mutant two = mutate(files, number);

            assertThat(one.done()).isEqualTo(two.done());
            assertThat(one.files().keySet()).isEqualTo(two.files().keySet());
            one.files()
                    .forEach((name, bytes) -> assertThat(bytes)
                            .isEqualTo(two.files().get(name)));
        }
    }

    private static Mutant mutate(SortedMap<String, byte[]> files, int number) {
        return Mutator.mutate(files, new SeededRandom(SEED).split("mutation " + number));
    }

    /** Returns the first problem found with a loader that, once files are broken, does this. */
    private String run(FuzzTarget.Loader broken) throws Exception {
        SortedMap<String, byte[]> files = new TreeMap<>();
        files.put("a.json", "{\"a\":1}".getBytes(StandardCharsets.UTF_8));
        FuzzTarget target = new FuzzTarget(
                "test", files,
                place -> {
                    if (!place.endsWith("seed")) {
                        broken.load(place);
                    }
                }, AdapterException.class, 1);
        FuzzReport report =
                new FuzzRun(SEED, folder, List.of(target), () -> 0).run(3, 4, done -> {});
        assertThat(report.held()).isFalse();
        assertThat(report.text()).contains("mutation 3");
        return report.failures().getFirst().problem();
    }
}
