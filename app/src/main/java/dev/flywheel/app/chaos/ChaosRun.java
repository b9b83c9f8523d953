package dev.flywheel.app.chaos;

import dev.flywheel.app.audit.AuditReport;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.audit.LedgerReport;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.ClusterFolder;
import dev.flywheel.app.cluster.JobState;
import dev.flywheel.app.cluster.Member;
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
    private static final Duration DRAINED = Duration.ofMinutes(5);
    private static final long AUDIT_MILLIS = 500;
    private static final int AGREEING_AUDITS = 3;
    private static final int ASKED_AGAIN = 400;

    /** What clients say comes from few people in a few minutes; the guard has its own tests. */
    private static final Map<String, Object> SETTINGS = Map.of(
            "server.port", 0,
            "loop.broker_port", 0,
            "metrics.port", 0,
            "loop.guard_profile", "trusted-stream",
            "loop.checkpoint_interval", "2s",
            "loop.orphan_timeout", "20s",
            "engine.adapter_slots", 2,
            "store.versions_kept", 1_000_000,
            "data.free_mib_min", 64);

    private final ChaosSettings settings;
    private final Path data;
    private final Path model;
    private final @Nullable Path config;
    private final String replay;
    private final ObjLongConsumer<String> progress;

    /**
     * @param data folder for all state, new or of an earlier run
     * @param replay command that repeats the run
     * @param progress told what was done last, and after how many seconds
     */
    public ChaosRun(ChaosSettings settings, Path data, Path model, @Nullable Path config,
            String replay, ObjLongConsumer<String> progress) {
        this.settings = settings;
        this.data = data;
        this.model = model;
        this.config = config;
        this.replay = replay;
        this.progress = progress;
    }

    /** Starts a cluster, breaks it for as long as the settings say, heals it and judges. */
    public ChaosReport run() throws IOException, InterruptedException {
        ClusterFolder folder = ClusterFolder.lay(data, config, SETTINGS,
                new SplittableRandom(settings.seed()));
        Path failpoints = Files.createDirectories(folder.root().resolve("failpoints"));
        long begun = System.nanoTime();
        try (Cluster cluster = Cluster.start(folder, model, JobState.NEWEST, flags(failpoints));
                Ledger ledger = new Ledger(folder.root().resolve("ledger.txt"))) {
            progress.accept("starting six processes", 0);
            cluster.awaitReady(READY);
            FaultRun faults = new FaultRun(cluster, failpoints);
            try (Traffic traffic = new Traffic(cluster, settings, ledger)) {
                traffic.start();
                breakIt(faults, ledger);
                progress.accept("healing", (System.nanoTime() - begun) / 1_000_000_000L);
                faults.heal();
                cluster.awaitReady(READY);
                List<String> violations = new ArrayList<>(new StoreProbe(cluster).violations());
                cluster.awaitReady(READY);
                traffic.stop();
                violations.addAll(askAgain(cluster, traffic));
                return verdict(cluster, faults, traffic, ledger, begun, violations);
            }
        }
    }

    /** A node that has just begun has what it answers with from the store, and nothing of what came before. */
    private static List<String> askAgain(Cluster cluster, Traffic traffic)
            throws InterruptedException {
        boolean unused = cluster.kill(Member.SERVING);
        cluster.awaitReady(READY);
        return traffic.askAgain(ASKED_AGAIN);
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
        FaultPlan plan = new FaultPlan(settings.seed(), settings.faults(),
                settings.pause().toMillis());
        long begun = System.nanoTime();
        long end = begun + settings.time().toNanos();
        while (System.nanoTime() - end < 0
                || (settings.kills() > faults.kills() && !plan.empty())) {
            if (plan.empty()) {
                TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            } else {
                faults.carryOut(plan.next());
            }
            progress.accept("%d kills, %,d acknowledged, last %s".formatted(faults.kills(),
                    ledger.size(), faults.last()), (System.nanoTime() - begun) / 1_000_000_000L);
        }
    }

    private ChaosReport verdict(Cluster cluster, FaultRun faults, Traffic traffic, Ledger ledger,
            long begun, List<String> violations) throws IOException, InterruptedException {
        String job = cluster.job().orElseThrow(() -> new StartException("no job was submitted"));
        AuditReport audit;
        LedgerReport heard;
        try (LoopProgress pending = cluster.flink().progress(job);
                FeedbackAuditor auditor = cluster.flink().auditor(cluster.store(), pending)) {
            audit = drain(auditor);
            heard = auditor.compare(ledger.acknowledged().keySet(), audit);
        }
        FeedbackFates fates = audit.fates();
        Lineage lineage = lineage(cluster);
        lineage.seen(traffic.sayings().digests());
        violations.addAll(lineage.violations());
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
        return new ChaosReport(replay, settings.seed(), (System.nanoTime() - begun) / 1e9,
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

    /** Read when no round is in flight any more: one of silence alone may be while all feedback has ended. */
    private static Lineage lineage(Cluster cluster) throws InterruptedException {
        String adapter = cluster.folder().config().adapter().name();
        long deadline = System.nanoTime() + DRAINED.toNanos();
        Lineage lineage = new Lineage(cluster.store(), adapter);
        while (lineage.open() > 0 && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            lineage = new Lineage(cluster.store(), adapter);
        }
        return lineage;
    }

    /** Waits until all that was acknowledged has an end, or time is up. */
    private static AuditReport drain(FeedbackAuditor auditor) throws InterruptedException {
        long deadline = System.nanoTime() + DRAINED.toNanos();
        AuditReport report = auditor.audit();
        int agreeing = 0;
        while (agreeing < AGREEING_AUDITS && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(AUDIT_MILLIS);
            AuditReport next = auditor.audit();
            boolean settled = next.fates().pending() == 0 && next.balanced()
                    && next.fates().equals(report.fates());
            agreeing = settled ? agreeing + 1 : 0;
            report = next;
        }
        LOG.info("drained: {}", report);
        return report;
    }
}
