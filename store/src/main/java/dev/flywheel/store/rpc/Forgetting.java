package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.ForgottenBy;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Tombstone;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Forgets a user: first nothing of theirs is claimed any more, then what was claimed is looked for, then each adapter that has
 * it learns again without it. Each step can be repeated, so a call that ended half-way is made again as it was.
 */
final class Forgetting {
    private static final int PAGE = 64;
    /** What requests without a tenant are of. */
    private static final String DEFAULT_TENANT = "default";

    private final ForgetRequest request;
    private final Tombstone.OfUser user;
    private final Committer committer;
    private final CommitHistory history;
    private final InstantSource clock;

    Forgetting(ForgetRequest request, Committer committer, CommitHistory history,
            InstantSource clock) {
        this.request = request;
        this.user = new Tombstone.OfUser(
                request.getTenant().isEmpty() ? DEFAULT_TENANT : request.getTenant(),
                request.getUser());
        this.committer = committer;
        this.history = history;
        this.clock = clock;
    }

    /** Reads every manifest, which takes a while: not on a thread that others wait for. */
    ForgetReply carryOut() {
        decided(new Command.Withdraw(Set.of(user), clock.millis()));
        ForgetReply.Builder reply = ForgetReply.newBuilder();
        for (AdapterState adapter : committer.feed().state().sorted()) {
            Set<Long> manifests = adapter.deleted() ? Set.of() : manifestsOf(adapter.name());
            if (!manifests.isEmpty()) {
                Repair repair = decided(new Command.Forget(adapter.name(), manifests,
                        request.getAtOnce(), request.getActor(), request.getReason(),
                        clock.millis()));
                reply.addAdapters(ForgottenBy.newBuilder()
                        .setAdapter(adapter.name())
                        .setRepair(repair)
                        .setManifests(manifests.size()));
            }
        }
        return reply.build();
    }

    private Set<Long> manifestsOf(String adapter) {
        Set<Long> found = new HashSet<>();
        long after = 0;
        List<ManifestSummary> page;
        do {
            page = history.manifestsAfter(adapter, after, PAGE);
            for (ManifestSummary summary : page) {
                after = summary.getSeq();
                if (live(summary.getState()) && holds(adapter, summary.getSeq())) {
                    found.add(summary.getSeq());
                }
            }
        } while (page.size() == PAGE);
        return found;
    }

    private static boolean live(ManifestState state) {
        return state == ManifestState.MANIFEST_STATE_OPEN
                || state == ManifestState.MANIFEST_STATE_COMMITTED;
    }

    private boolean holds(String adapter, long seq) {
        Manifest manifest = history.manifest(adapter, seq);
        return manifest != null && (manifest.getExamplesList().stream().anyMatch(this::isOfUser)
                || manifest.getReplayedList().stream().anyMatch(this::isOfUser));
    }

    private boolean isOfUser(Example example) {
        return Tombstone.withdrawing(example).contains(user);
    }

    private <R> R decided(Command<R> command) {
        return switch (committer.submit(command).join()) {
            case Decision.Accepted<R> accepted -> accepted.reply();
            case Decision.Refused<R> refused -> throw Errors.of(refused.refusal());
        };
    }
}
