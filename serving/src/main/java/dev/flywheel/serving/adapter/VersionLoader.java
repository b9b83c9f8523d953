package dev.flywheel.serving.adapter;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import java.time.Duration;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one version onto the device: fetch, verify, stage, probe. Only a version that passed all of it
 * gets into the table, and need not pass the probe again
 * when it comes back with the same digest. Used by one thread.
 */
final class VersionLoader implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(VersionLoader.class);
    private static final Duration SLOT_WAIT = Duration.ofSeconds(30);
    /** About 100 bytes each. */
    private static final int PROVEN_MAX = 1 << 16;
    private static final Duration RETRY_AFTER = Duration.ofMillis(200);

    private final VersionSource source;
    private final VersionVerifier verifier;
    private final VersionProbe probe;
    private final SlotTable table;
    private final Predicate<VersionKey> wanted;
    private final HostTier host;
    private final ProvenVersions proven = new ProvenVersions(PROVEN_MAX);

    /** @param wanted whether an alias points to a version: those are evicted last */
    VersionLoader(VersionSource source, VersionVerifier verifier, VersionProbe probe,
            SlotTable table, HostTier host, Predicate<VersionKey> wanted) {
        this.source = source;
        this.verifier = verifier;
        this.probe = probe;
        this.table = table;
        this.host = host;
        this.wanted = wanted;
    }

    /** Loads a version; failures are {@link ServingException}. */
    Resident load(AdapterRecord adapter, VersionRecord version) throws InterruptedException {
        VersionKey key = new VersionKey(adapter.getName(), version.getRef().getNumber());
        LoraWeights kept = host.find(key);
        LoraWeights weights = kept != null ? kept
                : verifier.verify(adapter, version, Failpoints.damaged("flip-blob",
                        source.blob(version.getRef().getDigest())));
        Integer slot = table.stage(weights, wanted, SLOT_WAIT.toNanos());
        if (slot == null) {
            throw ServingException.later(ErrorCode.LOADING,
                    key + " waits for an adapter slot: all are in use", RETRY_AFTER);
        }
        boolean passed = false;
        try {
            if (!proven.contains(key)) {
                requireSameFunction(key, version, probe.take(slot));
                proven.add(key);
            }
            host.keep(key, weights);
            passed = true;
        } finally {
            if (!passed) {
                table.give(slot);
            }
        }
        Resident resident = new Resident(key, version.getRef(), slot);
        table.add(resident);
        return resident;
    }

    private void requireSameFunction(VersionKey key, VersionRecord version,
            Probe taken) {
        if (!taken.finite()) {
            throw VersionVerifier.refused(key, "its answers to the probe are not finite");
        }
        String expected = version.getProbeFingerprint();
        if (expected.isEmpty() || expected.equals(taken.fingerprint().hex())
                || Failpoints.broken("checksum")) {
            return;
        }
        String trainedOn = source.backendOf(key.adapter(), version.getManifestSeq());
        // What a round is bound to begins with its backend's fingerprint.
        if ((trainedOn + " ").startsWith(probe.backend() + " ")) {
            throw VersionVerifier.refused(key, "it does not compute what its trainer computed"
                    + " (probe fingerprint " + taken.fingerprint().brief() + ", trained "
                    + expected.substring(0, Math.min(8, expected.length())) + ")");
        }
        // Another kind of device rounds otherwise: nothing to compare bit by bit.
        log.info("probe of {} not compared: trained on {}, served on {}", key, trainedOn,
                probe.backend());
    }

    @Override
    public void close() {
        probe.close();
    }
}
