package dev.flywheel.app.fuzz;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.oracle.BoundedLoad;
import dev.flywheel.engine.backend.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Loads mutations one after the other, each within bounds of time and memory.
 *
 * <p>A mutation may turn out valid. Else exactly the documented exception must come out, with a message
 * of bounded length.
 */
public final class FuzzRun {
    /** What files can be broken. */
    public static final List<String> KINDS =
            List.of("safetensors", "config", "adapter", "model", "tokenizer");

    private static final double SECONDS_MAX = 5;
    private static final int MESSAGE_LENGTH_MAX = 2_000;
    private static final int FAILURES_KEPT = 20;

    private final long seed;
    private final Path folder;
    private final List<FuzzTarget> targets;
    private final int weights;
    private final LongSupplier nanoTime;
    private final SortedMap<String, FuzzReport.Count> kinds = new TreeMap<>();
    private final List<FuzzReport.Failure> failures = new ArrayList<>();
    private double secondsMax;
    private long heapBytesMax;
    private int failed;

    /**
     * Makes the valid folders.
     *
     * @param kind of files to break, or null for all
     * @param folder empty; the mutations pass through it, and the ones that failed stay in it
     */
    public FuzzRun(
            long seed, @Nullable String kind, Path folder, Backend backend,
            LongSupplier nanoTime) {
        this(
                seed, folder,
                ofKind(FuzzSeeds.targets(new SeededRandom(seed).split("seeds"), backend), kind),
                nanoTime);
    }

    FuzzRun(long seed, Path folder, List<FuzzTarget> targets, LongSupplier nanoTime) {
        this.seed = seed;
        this.folder = folder;
        this.nanoTime = nanoTime;
        this.targets = targets;
        this.weights = targets.stream().mapToInt(FuzzTarget::weight).sum();
    }

    private static List<FuzzTarget> ofKind(List<FuzzTarget> all, @Nullable String kind) {
        List<FuzzTarget> some =
                all.stream().filter(t -> kind == null || t.kind().equals(kind)).toList();
        if (some.isEmpty()) {
            throw new IllegalArgumentException(
                    "kind is %s; there are %s".formatted(kind, KINDS));
        }
        return some;
    }

    /**
     * Loads the mutations {@code from} to below {@code to}.
     *
     * @param progress is told how many are done
     */
    public FuzzReport run(int from, int to, IntConsumer progress) throws InterruptedException {
        long start = nanoTime.getAsLong();
        requireValidSeeds();
        for (int number = from; number < to; number++) {
            one(number);
            progress.accept(number - from + 1);
        }
        return new FuzzReport(
                seed, to - from, kinds, failed, (nanoTime.getAsLong() - start) / 1e9, secondsMax,
                heapBytesMax, failures);
    }

    /** What is not valid before it is broken would prove nothing. */
    private void requireValidSeeds() {
        for (FuzzTarget target : targets) {
            Path place = write(Mutant.of(target.files()), "seed");
            target.loader().load(place);
            remove(place);
        }
    }

    private void one(int number) throws InterruptedException {
        SeededRandom random = new SeededRandom(seed).split("mutation " + number);
        FuzzTarget target = choose(random);
        Mutant mutant = Mutator.mutate(target.files(), random);
        Path place = write(mutant, "mutation-" + number);
        BoundedLoad load =
                BoundedLoad.run(() -> target.loader().load(place), SECONDS_MAX, nanoTime);
        secondsMax = Math.max(secondsMax, load.seconds());
        heapBytesMax = Math.max(heapBytesMax, load.heapBytes());
        @Nullable String problem = problem(target, mutant, load);
        kinds.merge(
                target.kind(), new FuzzReport.Count(0, 0, 0, 0).plus(
                        problem == null && load.failure() == null, problem != null),
                FuzzRun::sum);
        if (problem == null) {
            remove(place);
        } else {
            failed++;
            if (failures.size() < FAILURES_KEPT) {
                failures.add(
                        new FuzzReport.Failure(number, target.kind(), mutant.done(), problem));
            } else {
                remove(place);
            }
        }
    }

    private FuzzTarget choose(SeededRandom random) {
        int left = random.nextInt(weights);
        for (FuzzTarget target : targets) {
            left -= target.weight();
            if (left < 0) {
                return target;
            }
        }
        throw new IllegalStateException("weights do not add up");
    }

    private static FuzzReport.Count sum(FuzzReport.Count a, FuzzReport.Count b) {
        return new FuzzReport.Count(
                a.tried() + b.tried(), a.accepted() + b.accepted(), a.refused() + b.refused(),
                a.failed() + b.failed());
    }

    private static @Nullable String problem(FuzzTarget target, Mutant mutant, BoundedLoad load) {
        if (!load.finished()) {
            return "did not end within %.0f s".formatted(SECONDS_MAX);
        }
        long heapAllowed = BoundedLoad.heapBytesAllowed(mutant.bytes());
        if (load.heapBytes() > heapAllowed) {
            return "allocated %,d bytes, allowed are %,d for files of %,d"
                    .formatted(load.heapBytes(), heapAllowed, mutant.bytes());
        }
        Throwable failure = load.failure();
        if (failure == null) {
            return null;
        }
        if (!failure.getClass().equals(target.documented())) {
            return "threw %s, documented is %s"
                    .formatted(failure, target.documented().getSimpleName());
        }
        String message = failure.getMessage();
        if (message == null || message.isBlank()) {
            return "was refused without a message";
        }
        return message.length() <= MESSAGE_LENGTH_MAX ? null
                : "was refused with a message of %d characters, allowed are %d"
                        .formatted(message.length(), MESSAGE_LENGTH_MAX);
    }

    private Path write(Mutant mutant, String name) {
        try {
            Path place = Files.createDirectories(folder.resolve(name));
            for (Map.Entry<String, byte[]> file : mutant.files().entrySet()) {
                Files.write(place.resolve(file.getKey()), file.getValue());
            }
            for (String inner : mutant.folders()) {
                Files.createDirectories(place.resolve(inner));
            }
            return place;
        } catch (IOException e) {
            throw new UncheckedIOException("a mutation cannot be written to " + folder, e);
        }
    }

    private static void remove(Path place) {
        try (Stream<Path> files = Files.list(place)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(place);
        } catch (IOException e) {
            throw new UncheckedIOException("a mutation cannot be removed from " + place, e);
        }
    }
}
