package dev.flywheel.app.bench.corruption;

import dev.flywheel.app.bench.corruption.CorruptionReport.Fate;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StoredAdapters;
import dev.flywheel.store.core.BrokenInvariantException;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.rocksdb.CheckReport;
import dev.flywheel.store.rocksdb.StoreCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Damages a copy of a sound store and judges what it says; thread-safe. */
final class Trial {
    private final FlywheelConfig config;
    private final Path sound;
    private final Path folder;
    private final SampleStore sample;
    private final List<String> blobs;
    private final Map<String, String> truth;

    /** @param what what was seen, for a person */
    record Judged(Damage damage, Fate fate, String what) {}

    private Trial(FlywheelConfig config, Path sound, Path folder, SampleStore sample,
            List<String> blobs, Map<String, String> truth) {
        this.config = config;
        this.sound = sound;
        this.folder = folder;
        this.sample = sample;
        this.blobs = blobs;
        this.truth = truth;
    }

    /** Asks an undamaged copy first: its answers are the truth. */
    static Trial of(FlywheelConfig config, Path sound, Path folder, SampleStore sample) {
        Path copy = folder.resolve("truth");
        try {
            copy(sound, copy);
            try (StoredAdapters stored = StoredAdapters.open(config, copy, false)) {
                List<String> blobs = Readings.blobs(stored.client());
                return new Trial(config, sound, folder, sample, blobs,
                        Readings.of(stored.client(), sample, blobs));
            } finally {
                remove(copy);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    Judged judge(int number, Damage damage) throws IOException {
        Path copy = folder.resolve("damaged-" + number);
        try {
            copy(sound, copy);
            damage.apply(copy.resolve("store"));
            CheckReport check = StoreCheck.of(copy.resolve("store"), (step, at, total) -> {});
            return judge(damage, check, copy);
        } finally {
            remove(copy);
        }
    }

    private Judged judge(Damage damage, CheckReport check, Path copy) {
        Map<String, String> answers;
        try (StoredAdapters stored = StoredAdapters.open(config, copy, false)) {
            answers = Readings.of(stored.client(), sample, blobs);
        } catch (StoreException | BrokenInvariantException refused) {
            return new Judged(damage, Fate.REFUSED, String.valueOf(refused.getMessage()));
        }
        String failure = null;
        for (Map.Entry<String, String> wanted : truth.entrySet()) {
            String answer = answers.get(wanted.getKey());
            if (answer == null || !Readings.failed(answer)) {
                if (!wanted.getValue().equals(answer)) {
                    return new Judged(damage, Fate.WRONG, "another answer about " + wanted.getKey()
                            + (check.sound() ? "; a check finds nothing"
                                    : "; a check finds " + check.damage().get(0)));
                }
            } else {
                failure = answer;
            }
        }
        if (failure != null) {
            return new Judged(damage, Fate.READ_ERROR, failure);
        }
        return check.sound() ? new Judged(damage, Fate.HARMLESS, String.join(", ", check.notes()))
                : new Judged(damage, Fate.FOUND_BY_CHECK, check.damage().get(0).toString());
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Files.copy(path, to.resolve(from.relativize(path).toString()));
            }
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
