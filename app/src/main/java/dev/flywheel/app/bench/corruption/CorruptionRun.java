package dev.flywheel.app.bench.corruption;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.bench.corruption.CorruptionReport.Fate;
import dev.flywheel.app.bench.corruption.CorruptionReport.Harmless;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StoredAdapters;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * Makes a store through its services, damages one copy of it after the other, and asks each everything.
 *
 * <p>Flips are spread evenly over the files, by seed; cuts are at every record's end of logs, and at even and seeded places of
 * every file.
 */
public final class CorruptionRun {
    private static final int ROUNDS_STORED = 12;
    private static final int ROUNDS_LOGGED = 8;
    private static final int EVEN_CUTS = 8;

    private final FlywheelConfig config;
    private final Path folder;
    private final long seed;
    private final LongSupplier nanos;

    /** Works in {@code folder}, which is empty. */
    public CorruptionRun(FlywheelConfig config, Path folder, long seed, LongSupplier nanos) {
        this.config = config;
        this.folder = folder;
        this.seed = seed;
        this.nanos = nanos;
    }

    /** What is to be damaged, and how. */
    private record Plan(List<Damage> damages, int files, long bytes) {}

    /**
     * Damages {@code flips} times by a bit, and cuts and deletes what there is to.
     *
     * @param everyCut whether at every record's end, otherwise at a few of them
     * @param planned told how many damages there are
     * @param done told how many are judged
     */
    public CorruptionReport run(int flips, boolean everyCut, int threads, IntConsumer planned,
            IntConsumer done) throws InterruptedException {
        long start = nanos.getAsLong();
        Path sound = folder.resolve("sound");
        SampleStore sample = make(sound);
        Plan plan = plan(sound.resolve("store"), flips, everyCut);
        planned.accept(plan.damages().size());
        Trial trial = Trial.of(config, sound, folder, sample);
        List<Trial.Judged> judged = judge(trial, plan.damages(), threads, done);
        return report(plan, judged, (nanos.getAsLong() - start) / 1e9);
    }

    /** The second opening moves what is logged into files; what comes then stays in the log. */
    private SampleStore make(Path data) {
        SampleStore sample = new SampleStore(seed);
        try (StoredAdapters stored = StoredAdapters.open(config, data, true)) {
            sample.create(stored.client());
            sample.rounds(stored.client(), ROUNDS_STORED);
        }
        try (StoredAdapters stored = StoredAdapters.open(config, data, false)) {
            sample.recover(stored.client());
            sample.rounds(stored.client(), ROUNDS_LOGGED);
        }
        return sample;
    }

    private Plan plan(Path store, int flips, boolean everyCut) {
        SeededRandom random = new SeededRandom(seed).split("damage");
        List<Damage> damages = new ArrayList<>();
        long total = 0;
        List<Path> files = files(store);
        List<Path> filled = files.stream().filter(file -> file.toFile().length() > 0).toList();
        for (int i = 0; i < flips; i++) {
            Path file = filled.get(i % filled.size());
            damages.add(new Damage.Flip(store.relativize(file).toString(),
                    random.nextInt((int) file.toFile().length()), random.nextInt(8)));
        }
        for (Path file : files) {
            String name = store.relativize(file).toString();
            byte[] bytes = read(file);
            total += bytes.length;
            cut(damages, name, bytes, everyCut, random);
            damages.add(new Damage.Gone(name));
        }
        return new Plan(damages, files.size(), total);
    }

    private static void cut(List<Damage> damages, String name, byte[] bytes, boolean everyCut,
            SeededRandom random) {
        if (bytes.length == 0) {
            return;
        }
        boolean records = name.endsWith(".log") || name.contains("MANIFEST");
        List<Integer> ends = new ArrayList<>(records ? RecordEnds.of(bytes) : List.of());
        ends.removeIf(end -> end >= bytes.length);
        if (!everyCut && ends.size() > EVEN_CUTS) {
            ends = ends.subList(ends.size() - EVEN_CUTS, ends.size());
        }
        ends.forEach(end -> damages.add(new Damage.Cut(name, end, true)));
        int cuts = Math.min(bytes.length, everyCut ? EVEN_CUTS : 1);
        for (int i = 0; i < cuts; i++) {
            damages.add(new Damage.Cut(name, (int) ((long) bytes.length * i / cuts), false));
            damages.add(new Damage.Cut(name, random.nextInt(bytes.length), false));
        }
        damages.add(new Damage.Cut(name, bytes.length - 1, false));
        if (everyCut) {
            for (int end : ends) {
                damages.add(
                        new Damage.Cut(name, end - 1 - random.nextInt(Math.min(end, 7)), false));
            }
        }
    }

    private static List<Path> files(Path store) {
        try (Stream<Path> all = Files.walk(store)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Trial.Judged> judge(Trial trial, List<Damage> damages, int threads,
            IntConsumer done) throws InterruptedException {
        try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
            List<Future<Trial.Judged>> waiting = new ArrayList<>();
            for (int i = 0; i < damages.size(); i++) {
                int number = i;
                Callable<Trial.Judged> work = () -> trial.judge(number, damages.get(number));
                waiting.add(workers.submit(work));
            }
            List<Trial.Judged> judged = new ArrayList<>();
            for (Future<Trial.Judged> one : waiting) {
                judged.add(one.get());
                done.accept(judged.size());
            }
            return judged;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a damage could not be judged: " + e.getCause(), e);
        }
    }

    private CorruptionReport report(Plan plan, List<Trial.Judged> judged, double seconds) {
        SortedMap<Fate, Integer> byFate = Collections.unmodifiableSortedMap(count(judged));
        SortedMap<String, SortedMap<Fate, Integer>> byFile = new TreeMap<>();
        SortedMap<String, List<Trial.Judged>> kinds = new TreeMap<>();
        judged.forEach(each -> kinds
                .computeIfAbsent(FileKind.of(each.damage().file()).label(), k -> new ArrayList<>())
                .add(each));
        kinds.forEach((kind, some) -> byFile.put(kind, count(some)));
        return new CorruptionReport(seed, count(plan, Damage.Flip.class),
                count(plan, Damage.Cut.class), count(plan, Damage.Gone.class), plan.files(),
                plan.bytes(), byFate, byFile, harmless(kinds), judged.stream()
                        .filter(each -> each.fate() == Fate.WRONG)
                        .map(each -> each.damage() + ": " + each.what())
                        .toList(),
                seconds);
    }

    private static List<Harmless> harmless(SortedMap<String, List<Trial.Judged>> kinds) {
        List<Harmless> harmless = new ArrayList<>();
        kinds.forEach((kind, some) -> {
            List<Trial.Judged> those =
                    some.stream().filter(each -> each.fate() == Fate.HARMLESS).toList();
            if (!those.isEmpty()) {
                Damage first = those.get(0).damage();
                harmless.add(new Harmless(kind, those.size(),
                        FileKind.of(first.file()).whyHarmless(), first.toString()));
            }
        });
        return harmless;
    }

    private static SortedMap<Fate, Integer> count(List<Trial.Judged> judged) {
        EnumMap<Fate, Integer> counts = new EnumMap<>(Fate.class);
        judged.forEach(each -> counts.merge(each.fate(), 1, Integer::sum));
        return new TreeMap<>(counts);
    }

    private static int count(Plan plan, Class<? extends Damage> kind) {
        return (int) plan.damages().stream().filter(kind::isInstance).count();
    }
}
