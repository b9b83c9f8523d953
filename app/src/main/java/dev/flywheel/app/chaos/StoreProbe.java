package dev.flywheel.app.chaos;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.Member;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Promises of a store that no kill can show: what the machine keeps after a kill, and what an older writer may not do. */
final class StoreProbe {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 200;
    private static final int COMMITS = 3;
    private static final String COMMITTED = "flywheel_store_commits_total";
    private static final String SYNCED = "flywheel_store_syncs_total";

    private final Cluster cluster;
    private final String adapter;

    StoreProbe(Cluster cluster) {
        this.cluster = cluster;
        this.adapter = cluster.folder().config().adapter().name();
    }

    /** Returns what is not as promised; clients must be at it meanwhile. */
    List<String> violations() throws IOException, InterruptedException {
        List<String> found = new ArrayList<>();
        if (!synced()) {
            found.add("P6: the store acknowledged commits and synced nothing");
        }
        String answer = answerToOlderWriter();
        if (!answer.isEmpty()) {
            found.add("I1: to a claim of a writer whose epoch is over the store said " + answer);
        }
        return found;
    }

    /** A kill leaves the machine's cache as it is, so only the count of syncs tells of a sync left out. */
    private boolean synced() throws IOException, InterruptedException {
        String before = scrape();
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        String after = before;
        while (value(after, COMMITTED) < value(before, COMMITTED)
                + COMMITS) {
            if (System.nanoTime() - deadline > 0) {
                return true; // nothing was committed, so nothing had to be synced
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            after = scrape();
        }
        return value(after, SYNCED) > value(before, SYNCED);
    }

    private String scrape() throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(cluster.folder().metrics(Member.STORE))
                    .timeout(TIMEOUT)
                    .build(), HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private static double value(String scraped, String name) {
        return scraped.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(0);
    }

    /**
     * Takes the epoch from the running job, which takes it back, and claims as the one before what is claimed already. Returns
     * what the store says to that, unless it is the refusal that is due.
     */
    private String answerToOlderWriter() {
        StoreClient store = cluster.store();
        AtomicLong seq = new AtomicLong();
        store.listManifests(adapter, 0, each -> seq.set(each.getSeq()));
        if (seq.get() == 0) {
            return ""; // nobody ever claimed
        }
        Manifest known = store.getManifest(adapter, seq.get());
        AcquireEpochReply epoch = store.acquireEpoch(adapter, "chaos");
        PutManifestRequest claim = PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(epoch.getNextSeq())
                .setEpoch(epoch.getEpoch() - 1)
                .setParent(epoch.getHead())
                .setSeed(known.getSeed())
                .setBackend(known.getBackend())
                .addExamples(known.getExamples(0))
                .build();
        try {
            return "yes: " + store.putManifest(claim);
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode() == Status.Code.FAILED_PRECONDITION ? ""
                    : refused.getStatus().toString();
        }
    }
}
