package dev.flywheel.store.core;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.RepairKind;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Claims again what is kept of a replaced manifest, see {@link RepairRules}: its examples in their order, with its seed and
 * settings, so that a round without anything withdrawn is the very same function of its parent.
 */
final class ReplayRules {
    private final Limits limits;
    private final Retention retention;

    ReplayRules(Limits limits, Retention retention) {
        this.limits = limits;
        this.retention = retention;
    }

    Decision<PutReplayReply> put(StoreState state, Command.PutReplay command, CommitView view) {
        PutReplayRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getAdapter()));
        }
        Refusal stale = AdapterRules.stale(adapter, request.getEpoch());
        if (stale != null) {
            return new Decision.Refused<>(stale);
        }
        if (Long.compareUnsigned(request.getSeq(), adapter.nextSeq()) < 0) {
            return repeated(adapter, request, view);
        }
        Refusal refusal = refusal(adapter, request);
        return refusal == null ? claim(adapter, command, view) : new Decision.Refused<>(refusal);
    }

    private static Decision<PutReplayReply> repeated(AdapterState adapter,
            PutReplayRequest request, CommitView view) {
        ManifestEntry entry = view.manifestEntry(request.getAdapter(), request.getSeq());
        if (entry == null || !entry.requestDigest().equals(RequestDigest.of(request))) {
            return new Decision.Refused<>(
                    ManifestRules.taken(request.getAdapter(), request.getSeq()));
        }
        return new Decision.Accepted<>(List.of(), reply(adapter, entry.summary().getReplays(),
                entry.summary().getExamples()));
    }

    private @Nullable Refusal refusal(AdapterState adapter, PutReplayRequest request) {
        Refusal outOfTurn = ManifestRules.outOfTurn(adapter, request.getSeq(),
                request.getParent(), limits);
        if (outOfTurn != null) {
            return outOfTurn;
        }
        boolean open = adapter.open().values().stream().anyMatch(each -> each.replays() != 0);
        return !open && !adapter.repairLeft().isEmpty() ? null
                : Refusal.of(Reason.NOTHING_TO_REPAIR, "adapter " + adapter.name(), open
                        ? "a round of the repair of " + adapter.name()
                                + " has no outcome yet; end it first"
                        : adapter.name() + " has nothing to repair; claim new examples");
    }

    private Decision<PutReplayReply> claim(AdapterState adapter, Command.PutReplay command,
            CommitView view) {
        Manifest replaced = next(adapter, view);
        List<Example> kept = living(replaced.getExamplesList(), view);
        if (kept.isEmpty()) {
            return skip(adapter, command, replaced, view);
        }
        PutReplayRequest request = command.request();
        Set<FeedbackKey> feedback = ManifestRules.feedback(kept);
        Manifest manifest = replaced.toBuilder()
                .setSeq(request.getSeq())
                .setEpoch(request.getEpoch())
                .setParent(adapter.head())
                .setParentDigest(adapter.headVersion().getRef().getDigest())
                .clearExamples()
                .addAllExamples(kept)
                .clearErased()
                .clearReplayed()
                .addAllReplayed(trusted(adapter, living(replaced.getReplayedList(), view), view))
                .clearOrigins()
                .addAllOrigins(replaced.getOriginsList()
                        .stream()
                        .filter(origin -> feedback.contains(origin.getFeedback()))
                        .toList())
                .setBackend(request.getBackend())
                .setClaimedAtMillis(command.atMillis())
                .setReplays(replaced.getSeq())
                .build();
        ManifestEntry entry = new ManifestEntry(ManifestRules.summary(manifest),
                RequestDigest.of(request), List.of(), null);
        return new Decision.Accepted<>(
                List.of(new Fact.ManifestClaimed(manifest, entry),
                        new Fact.ManifestReplaced(adapter.name(), replaced.getSeq(),
                                request.getSeq(), gone(replaced, kept, view))),
                reply(adapter, replaced.getSeq(), kept.size()));
    }

    private Decision<PutReplayReply> skip(AdapterState adapter, Command.PutReplay command,
            Manifest replaced, CommitView view) {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact.ManifestReplaced(adapter.name(), replaced.getSeq(), 0,
                gone(replaced, List.of(), view)));
        AdapterState after = adapter;
        for (Fact fact : RepairRules.advanced(adapter, command.atMillis())) {
            facts.add(fact);
            after = after.after(fact);
        }
        Releases.add(facts, adapter, after, retention, view);
        return new Decision.Accepted<>(facts, reply(after, replaced.getSeq(), 0));
    }

    private static Manifest next(AdapterState adapter, CommitView view) {
        long number = adapter.repairLeft().first();
        VersionRecord version = view.version(adapter.name(), number);
        Manifest manifest =
                version == null ? null : view.manifest(adapter.name(), version.getManifestSeq());
        if (manifest == null) {
            throw new BrokenInvariantException(
                    "the manifest of version " + number + " of " + adapter.name() + " is gone");
        }
        return manifest;
    }

    private static List<Example> living(List<Example> examples, CommitView view) {
        Set<Tombstone> asked = new HashSet<>();
        examples.forEach(example -> asked.addAll(Tombstone.withdrawing(example)));
        Set<Tombstone> withdrawn = view.tombstones(asked);
        return examples.stream()
                .filter(example -> Tombstone.withdrawing(example)
                        .stream()
                        .noneMatch(withdrawn::contains))
                .toList();
    }

    /** Of what was drawn against forgetting, nothing whose own round was taken out, but for its age alone. */
    private static List<Example> trusted(AdapterState adapter, List<Example> drawn,
            CommitView view) {
        Map<String, Claim> claims =
                view.claims(drawn.stream().map(Example::getExampleId).toList());
        Set<Long> takenOut = new HashSet<>();
        for (Claim claim : new HashSet<>(claims.values())) {
            ManifestEntry entry = view.manifestEntry(claim.adapter(), claim.seq());
            if (entry != null && claim.adapter().equals(adapter.name()) && entry.summary()
                    .getState() == ManifestState.MANIFEST_STATE_ROLLED_BACK
                    && !tooOld(adapter, claim)) {
                takenOut.add(claim.seq());
            }
        }
        return drawn.stream().filter(example -> {
            Claim claim = claims.get(example.getExampleId());
            return claim == null || !takenOut.contains(claim.seq());
        }).toList();
    }

    /** A round that forgetting could not train again is out though nothing speaks against it. */
    private static boolean tooOld(AdapterState adapter, Claim claim) {
        return claim.seq() < adapter.manifestsFrom() && adapter.record()
                .getRepair()
                .getKind() == RepairKind.REPAIR_KIND_FORGETTING;
    }

    /** Feedback that stands behind no example that is kept; also where what it said can be read no more. */
    private static List<FeedbackKey> gone(Manifest replaced, List<Example> kept,
            CommitView view) {
        ManifestEntry entry = view.manifestEntry(replaced.getAdapter(), replaced.getSeq());
        Set<FeedbackKey> gone =
                new LinkedHashSet<>(ManifestRules.feedback(replaced.getExamplesList()));
        if (entry != null) {
            gone.addAll(entry.summary().getFeedbackList());
        }
        gone.removeAll(ManifestRules.feedback(kept));
        return List.copyOf(gone);
    }

    private static PutReplayReply reply(AdapterState adapter, long replays, int claimed) {
        return PutReplayReply.newBuilder()
                .setReplays(replays)
                .setClaimed(claimed)
                .setAdapter(adapter.record())
                .build();
    }
}
