package dev.flywheel.app.abuse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** Runs rows one after the other, each on nodes of its own. */
public final class AbuseRun {
    private static final Map<String, AbuseRow> ROWS = rows();

    private static final Map<String, String> ELSEWHERE = elsewhere();

    private final Path folder;
    private final Path model;
    private final long seed;
    private final Scale scale;
    private final LongSupplier nanos;
    private final Statuses statuses;

    /** Hears how a run goes; called on the thread that runs it. */
    public interface Listener {
        /** @param done steps of the row, of {@code total} */
        void step(String id, long done, long total);

        void ended(AbuseReport.Row row);
    }

    /**
     * @param folder empty; all nodes' state goes there
     * @param model base model folder
     * @param nanos monotonic clock
     */
    public AbuseRun(Path folder, Path model, long seed, Scale scale, LongSupplier nanos) {
        this.folder = folder;
        this.model = model;
        this.seed = seed;
        this.scale = scale;
        this.nanos = nanos;
        this.statuses = new Statuses();
    }

    private static Map<String, AbuseRow> rows() {
        Map<String, AbuseRow> rows = new LinkedHashMap<>();
        // What grows little is measured before others leave buffers behind that are given back meanwhile.
        List<AbuseRow> all = List.of(new LoadCycles(), new CancelStorm(), new StalledReaders(),
                new ExtremeParameters(), new CacheProbe(), new HostileNames(), new ResetFlood(),
                new IdleConnections(), new Oversized(), new Candidates(), new Deadlines(),
                new WorstTexts(), new Residue(), new MoreAdaptersThanSlots(), new BadVersions(),
                new PromoteRace(), new ExactScores(), new ErrorLeaks());
        all.forEach(row -> rows.put(row.id(), row));
        return rows;
    }

    private static Map<String, String> elsewhere() {
        Map<String, String> why = new LinkedHashMap<>();
        why.put("A10", "every method with every credential is AccessTest of module itest");
        why.put("A09", "./flywheel bench overload measures it");
        why.put("H01", "./flywheel bench swap measures it");
        why.put("H05", "the trainer's gate refuses what has no effect: GateTest of module trainer");
        why.put("H07", "no fault can be put between a node and its store in one process yet");
        return why;
    }

    /** Returns the rows there are, with their titles, in the order in which they run. */
    public static Map<String, String> titles() {
        Map<String, String> titles = new LinkedHashMap<>();
        ROWS.values().forEach(row -> titles.put(row.id(), row.title()));
        return titles;
    }

    /** Returns the rows that this does not run, with the reason. */
    public static Map<String, String> notHere() {
        return ELSEWHERE;
    }

    /** Runs these rows, in the order of {@link #titles}; the others are reported as skipped. */
    public AbuseReport run(List<String> wanted, Listener listener) throws Exception {
        List<AbuseReport.Row> done = new ArrayList<>();
        Map<String, String> skipped = new LinkedHashMap<>(ELSEWHERE);
        for (AbuseRow row : ROWS.values()) {
            if (wanted.contains(row.id())) {
                AbuseReport.Row ended = run(row, (at, of) -> listener.step(row.id(), at, of));
                listener.ended(ended);
                done.add(ended);
            } else {
                skipped.put(row.id(), "not asked for (" + row.title() + ")");
            }
        }
        return new AbuseReport(seed, scale, done, skipped);
    }

    private AbuseReport.Row run(AbuseRow row, Arena.Steps steps) throws Exception {
        long start = nanos.getAsLong();
        Path own = Files.createDirectories(folder.resolve(row.id()));
        Finding finding;
        try (Arena arena = new Arena(folder, own, model, seed, scale, nanos, statuses, steps)) {
            finding = row.run(arena);
        } catch (RuntimeException | java.util.concurrent.ExecutionException broken) {
            finding = Finding.of(false, Map.of("broken", broken.toString()),
                    "%s could not be run to its end: %s", row.title(), broken);
        }
        return new AbuseReport.Row(row.id(), row.title(), (nanos.getAsLong() - start) / 1e9,
                finding);
    }
}
