package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.app.audit.AuditReport;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.audit.LedgerReport;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.ClusterFolder;
import dev.flywheel.app.cluster.JobState;
import dev.flywheel.app.cluster.Member;
import dev.flywheel.app.local.Closing;
import dev.flywheel.app.local.LoopProgress;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A cluster under faults, from its start to the verdict. */
public final class ChaosRun {
    private static final Logger LOG = LoggerFactory.getLogger(ChaosRun.class);
    private static final Duration READY = Duration.ofMinutes(5);
    /** Longer than any pause of what is on its way. */
    private static final Duration STALLED = Duration.ofMinutes(3);
    private static final Duration DRAINED = Duration.ofMinutes(20);
    private static final long AUDIT_MILLIS = 500;
    private static final int AGREEING_AUDITS = 3;
    private static final int ASKED_AGAIN = 400;

    /** What clients say comes from few people in a few minutes; the guard has its own tests. */
    private static final Map<String, Object> SETTINGS = Map.ofEntries(
            Map.entry("server.port", 0),
            Map.entry("server.admin_port", 0),
            Map.entry("server.http_port", 0),
            Map.entry("loop.broker_port", 0),
            Map.entry("metrics.port", 0),
            Map.entry("loop.guard_profile", "trusted-stream"),
            Map.entry("loop.checkpoint_interval", "2s"),
            Map.entry("loop.orphan_timeout", "20s"),
            Map.entry("loop.forgets_after", "15s"),
            Map.entry("loop.call_backoff_max", "500ms"),
            Map.entry("engine.adapter_slots", 2),
            Map.entry("store.versions_kept", 1_000_000),
            // Rounds that are taken out are trained again from the snapshot before them.
            Map.entry("store.snapshot_every", 16),
            Map.entry("data.free_mib_min", 64));

    private final ChaosSettings settings;
    private final Path data;
    private final Path model;
    private final @Nullable Path config;
    private final String replay;
    private final ObjLongConsumer<String> progress;
    private final Closing closing;
    private final long begunNanos = System.nanoTime();

    /**
     * @param data folder for all state, new or of an earlier run
     * @param replay command that repeats the run
     * @param progress told what was done last, and after how many seconds
     * @param closing takes over the cluster, which runs until it is closed
     */
    public ChaosRun(ChaosSettings settings, Path data, Path model, @Nullable Path config,
            String replay, ObjLongConsumer<String> progress, Closing closing) {
        this.settings = settings;
        this.data = data;
        this.model = model;
        this.config = config;
        this.replay = replay;
        this.progress = progress;
        this.closing = closing;
    }

    /** Starts a cluster, breaks it for as long as the settings say, heals it and judges. */
    public ChaosReport run() throws IOException, InterruptedException {
        ClusterFolder folder = ClusterFolder.lay(data, config, SETTINGS,
                new SplittableRandom(settings.seed()));
        Damage.undo(folder.root());
        Path failpoints = Files.createDirectories(folder.root().resolve("failpoints"));
        Cluster cluster = closing.add("cluster",
                () -> Cluster.start(folder, model, JobState.NEWEST, flags(failpoints)));
        try (Ledger ledger = new Ledger(folder.root().resolve("ledger.txt"))) {
            progress.accept("starting six processes", 0);
            cluster.awaitReady(READY);
            try (Traffic traffic = new Traffic(cluster, settings, ledger)) {
                Surgery surgery = new Surgery(cluster.store(),
                        folder.config().adapter().name(), traffic::user);
                FaultRun faults = new FaultRun(cluster, failpoints, surgery);
                traffic.start();
                breakIt(faults, ledger);
                progress.accept("healing", seconds());
                faults.heal();
                cluster.awaitReady(READY);
                List<String> violations = new ArrayList<>(new StoreProbe(cluster).violations());
                cluster.awaitReady(READY);
                traffic.stop();
                violations.addAll(faults.violations());
                violations.addAll(askAgain(cluster, traffic));
                return verdict(cluster, faults, traffic, ledger, surgery.forgotten(), violations);
            }
        }
    }

    /** A node that has just begun has what it answers with from the store, and nothing of what came before. */
    private static List<String> askAgain(Cluster cluster, Traffic traffic)
            throws InterruptedException {
        boolean unused = cluster.kill(Member.SERVING);
        cluster.awaitReady(READY);
        String adapter = cluster.folder().config().adapter().name();
        return traffic.askAgain(ASKED_AGAIN, version -> cluster.store()
                .getVersion(adapter, version)
                .getState() == VersionState.VERSION_STATE_COMMITTED);
    }

    /** Every member knows the failpoints, and leaves out what is to be left out. */
    private Map<Member, List<String>> flags(Path failpoints) {
        Map<Member, List<String>> flags = new EnumMap<>(Member.class);
        for (Member member : Member.values()) {
            flags.put(member, List.of("-Dflywheel.failpoints=" + failpoints,
                    "-Dflywheel.broken="
                            + (settings.broken().isEmpty() ? "none" : settings.broken())));
        }
        return flags;
    }

    private void breakIt(FaultRun faults, Ledger ledger) throws IOException, InterruptedException {
        FaultPlan plan = new FaultPlan(settings.seed(), settings.faults(), settings.members(),
                settings.pause().toMillis());
        long end = System.nanoTime() + settings.time().toNanos();
        while (System.nanoTime() - end < 0
                || (settings.kills() > faults.kills() && !plan.empty())) {
            if (plan.empty()) {
                TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            } else {
                faults.carryOut(plan.next());
            }
            progress.accept("%d kills, %,d acknowledged, last %s".formatted(faults.kills(),
                    ledger.size(), faults.last()), seconds());
        }
    }

    private ChaosReport verdict(Cluster cluster, FaultRun faults, Traffic traffic, Ledger ledger,
            Set<String> forgotten, List<String> violations)
            throws IOException, InterruptedException {
        String job = cluster.job().orElseThrow(() -> new StartException("no job was submitted"));
        AuditReport audit;
        LedgerReport heard;
        try (LoopProgress pending = cluster.flink().progress(job);
                FeedbackAuditor auditor = cluster.flink().auditor(cluster.store(), pending)) {
            audit = drain(auditor);
            heard = auditor.compare(ledger.acknowledged().keySet(), audit);
        }
        FeedbackFates fates = audit.fates();
        Lineage lineage = lineage(cluster, forgotten, traffic.takenBack());
        lineage.seen(traffic.sayings().digests());
        violations.addAll(lineage.violations());
        count(violations, "events are still learned from that were taken back",
                lineage.remembered(traffic.takenBack()).size());
        if (lineage.open() > 0) {
            violations.add("%d manifests have no outcome after the drain"
                    .formatted(lineage.open()));
        }
        count(violations, "acknowledged events are lost (P3)", heard.lostInAll());
        count(violations, "events were trained twice (P3)", fates.repeated());
        count(violations, "is the audit's difference (P3)", audit.difference());
        count(violations, "events are still on their way after the drain (P3)", fates.pending());
        Map<String, Long> allowed = new TreeMap<>();
        List<String> errors = LogScan.unexpected(cluster.folder(), allowed);
        errors.forEach(error -> violations.add("log: " + error));
        return new ChaosReport(replay, settings.seed(), (System.nanoTime() - begunNanos) / 1e9,
                faults.kills(), traffic.answers(), ledger.size(), heard.lostInAll(),
                fates.repeated(),
                audit.difference(), fates, lineage.versions(), faults.counts(),
                Recovery.of(faults.hits(), ledger.acknowledged(), lineage), violations, errors,
                allowed);
    }

    private static void count(List<String> violations, String what, long count) {
        if (count != 0) {
            violations.add(count + " " + what);
        }
    }

    /**
     * Read when no round is in flight any more, since one of silence alone may be while all feedback has ended, and when what was
     * taken back after it was trained had the time to be forgotten.
     */
    private static Lineage lineage(Cluster cluster, Set<String> forgotten,
            Set<FeedbackKey> takenBack) throws InterruptedException {
        String adapter = cluster.folder().config().adapter().name();
        long deadline = System.nanoTime() + STALLED.toNanos();
        Lineage lineage = new Lineage(cluster.store(), adapter, forgotten);
        while ((lineage.open() > 0 || !lineage.remembered(takenBack).isEmpty())
                && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            lineage = new Lineage(cluster.store(), adapter, forgotten);
        }
        return lineage;
    }

    /** Waits until all that was acknowledged has an end, or nothing moves any more. */
    private AuditReport drain(FeedbackAuditor auditor) throws InterruptedException {
        long moved = System.nanoTime();
        AuditReport report = auditor.audit();
        int agreeing = 0;
        long end = System.nanoTime() + DRAINED.toNanos();
        while (agreeing < AGREEING_AUDITS && System.nanoTime() - moved < STALLED.toNanos()
                && System.nanoTime() - end < 0) {
            TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            AuditReport next = auditor.audit();
            boolean same = next.fates().equals(report.fates());
            boolean settled = same && next.fates().pending() == 0 && next.balanced();
            agreeing = settled ? agreeing + 1 : 0;
            moved = same ? moved : System.nanoTime();
            report = next;
            progress.accept("draining, %,d on their way".formatted(next.fates().pending()),
                    seconds());
        }
        LOG.info("drained: {}", report);
        return report;
    }

    private long seconds() {
        return (System.nanoTime() - begunNanos) / 1_000_000_000L;
    }
}
