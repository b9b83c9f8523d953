package dev.flywheel.app.rounds;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ForgottenBy;
import dev.flywheel.api.v1.Repair;
import java.time.Instant;
import java.util.List;

/**
 * What forgetting a user came to, for whoever has to show it.
 *
 * @param forgottenAt when the last adapter was trained again, the clock of whoever asked
 * @param adapters that had learned from the user; none: no key, no version, nothing to train again
 */
public record ForgettingCertificate(
        String tenant,
        String user,
        String forgottenAt,
        List<OfAdapter> adapters) {
    private static final int AUDIT_PAGE = 1_000;

    /**
     * An adapter that had learned from the user.
     *
     * @param before HEAD before, with the user
     * @param beforeDigest SHA-256 of its weights
     * @param base version from which the rounds after it were trained again
     * @param baseDigest of its weights
     * @param after HEAD when all were trained again, without the user
     * @param afterDigest of its weights
     * @param rounds that were trained again
     * @param exampleIds examples that they were trained without, among {@code base}'s descendants: all of the user, and what
     *     others had withdrawn
     * @param expired rounds from {@code base} on that were taken out because they are older than {@code store.manifests_kept}: the
     *     others were trained again upon {@code base} without them; mostly 0
     */
    public record OfAdapter(
            String adapter,
            long before,
            String beforeDigest,
            long base,
            String baseDigest,
            long after,
            String afterDigest,
            long rounds,
            List<String> exampleIds,
            long expired) {}

    /** Reads from the store what became of each adapter; all of them are done. */
    public static ForgettingCertificate of(StoreClient store, String tenant, String user,
            List<ForgottenBy> adapters, Instant at) {
        return new ForgettingCertificate(tenant, user, at.toString(),
                adapters.stream().map(each -> of(store, each)).toList());
    }

    private static OfAdapter of(StoreClient store, ForgottenBy forgotten) {
        String name = forgotten.getAdapter();
        Repair repair = forgotten.getRepair();
        long after = repair.getRounds() == 0 ? repair.getBaseVersion() : after(store, name, repair);
        return new OfAdapter(name, repair.getFromVersion(),
                digest(store, name, repair.getFromVersion()), repair.getBaseVersion(),
                digest(store, name, repair.getBaseVersion()), after, digest(store, name, after),
                repair.getRounds(), forgotten.getExampleIdsList(), repair.getQuarantined());
    }

    /** HEAD when the repair was done: it may have learned on since. */
    private static long after(StoreClient store, String adapter, Repair repair) {
        return store.listAudit(adapter, AUDIT_PAGE)
                .stream()
                .filter(entry -> entry.getAction() == AuditAction.AUDIT_ACTION_REPAIRED
                        && entry.getSequence() > repair.getAuditSequence())
                .reduce((newer, older) -> older)
                .map(AuditEntry::getToVersion)
                .orElseThrow(() -> new IllegalStateException(
                        "the repair of " + adapter + " is not in its audit"));
    }

    private static String digest(StoreClient store, String adapter, long version) {
        return store.getVersion(adapter, version).getRef().getDigest();
    }
}
