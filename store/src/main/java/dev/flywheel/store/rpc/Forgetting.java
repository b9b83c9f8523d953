package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.ForgottenBy;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.Tombstone;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Forgets a user: first nothing of theirs is claimed any more, then what was claimed is looked for, then each adapter that has
 * it learns again without it, and last the user's key is deleted, without which nobody reads what they said. Each step can be
 * repeated, so a call that ended half-way can be made again; what an earlier one began is not told again.
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
        boolean before = decided(new Command.Withdraw(Set.of(user), clock.millis())).isEmpty();
        ForgetReply.Builder reply = ForgetReply.newBuilder().setForgottenBefore(before);
        for (AdapterState adapter : committer.feed().state().sorted()) {
            Found found = adapter.deleted() ? new Found() : find(adapter.name());
            if (!found.manifests.isEmpty() || !found.tainted.isEmpty()) {
                forget(adapter.name(), found).ifPresent(reply::addAdapters);
            }
        }
        decided(new Command.Erase(user, clock.millis()));
        return reply.build();
    }

    /** Empty if HEAD did not come from the user. */
    private Optional<ForgottenBy> forget(String adapter, Found found) {
        Repair repair = decided(new Command.Forget(adapter, found.manifests,
                descendants(adapter, found.tainted), request.getAtOnce(), request.getActor(),
                request.getReason(), clock.millis()));
        return repair.getAuditSequence() == 0 ? Optional.empty()
                : Optional.of(ForgottenBy.newBuilder()
                        .setAdapter(adapter)
                        .setRepair(repair)
                        .setManifests(found.manifests.size())
                        .addAllExampleIds(found.withdrawn)
                        .build());
    }

    /** These versions, and all that came from them; numbers only rise from parent to child. */
    private Set<Long> descendants(String adapter, Set<Long> versions) {
        Set<Long> tainted = new HashSet<>(versions);
        Deque<VersionRecord> later = new ArrayDeque<>();
        long least = versions.stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
        long before = Long.MAX_VALUE;
        List<VersionRecord> page;
        do {
            page = history.versionsBefore(adapter, before, PAGE);
            for (VersionRecord version : page) {
                before = version.getRef().getNumber();
                if (before > least) {
                    later.push(version);
                }
            }
        } while (page.size() == PAGE && before > least);
        for (VersionRecord version : later) {
            if (tainted.contains(version.getParent())) {
                tainted.add(version.getRef().getNumber());
            }
        }
        return tainted;
    }

    /** What of an adapter is to be forgotten. */
    private static final class Found {
        /** Those with something of the user that HEAD came from, or may yet. */
        final Set<Long> manifests = new HashSet<>();
        /** Versions that manifests with something of the user made, also where those were taken out since. */
        final Set<Long> tainted = new HashSet<>();
        /** Examples that are not to be trained on again, whoever's they are. */
        final Set<String> withdrawn = new TreeSet<>();
    }

    private Found find(String adapter) {
        Found found = new Found();
        long after = 0;
        List<ManifestSummary> page;
        do {
            page = history.manifestsAfter(adapter, after, PAGE);
            for (ManifestSummary summary : page) {
                after = summary.getSeq();
                if (summary.getState() != ManifestState.MANIFEST_STATE_ABANDONED) {
                    look(summary, history.manifest(adapter, summary.getSeq()), found);
                }
            }
        } while (page.size() == PAGE);
        // Last: what expired meanwhile is among these.
        for (long seq : history.expiredOf(user, adapter)) {
            ManifestEntry entry = history.manifestEntry(adapter, seq);
            if (entry != null) {
                add(entry.summary(), found);
            }
        }
        return found;
    }

    private static boolean live(ManifestState state) {
        return state == ManifestState.MANIFEST_STATE_OPEN
                || state == ManifestState.MANIFEST_STATE_COMMITTED;
    }

    private void look(ManifestSummary summary, @Nullable Manifest manifest, Found found) {
        if (manifest == null) {
            return;
        }
        if (manifest.getExamplesList().stream().anyMatch(this::isOfUser)
                || manifest.getReplayedList().stream().anyMatch(this::isOfUser)) {
            add(summary, found);
        }
        withdrawn(manifest.getExamplesList(), found.withdrawn);
        withdrawn(manifest.getReplayedList(), found.withdrawn);
    }

    private static void add(ManifestSummary summary, Found found) {
        if (live(summary.getState())) {
            found.manifests.add(summary.getSeq());
        }
        if (summary.getVersion() != 0) {
            found.tainted.add(summary.getVersion());
        }
    }

    private void withdrawn(List<Example> examples, Set<String> ids) {
        Set<Tombstone> asked = new HashSet<>();
        examples.forEach(example -> asked.addAll(Tombstone.withdrawing(example)));
        Set<Tombstone> there = history.tombstones(asked);
        examples.stream()
                .filter(example -> Tombstone.withdrawing(example)
                        .stream()
                        .anyMatch(there::contains))
                .forEach(example -> ids.add(example.getExampleId()));
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
