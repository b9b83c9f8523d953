package dev.flywheel.store.core;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ends manifests: step 4 of the protocol. A commit makes the version, moves HEAD and, by policy, {@code serving} at once. */
final class OutcomeRules {
    private final Retention retention;

    OutcomeRules(Retention retention) {
        this.retention = retention;
    }

    Decision<PutOutcomeReply> put(StoreState state, Command.PutOutcome command, CommitView view) {
        PutOutcomeRequest request = command.request();
        AdapterState adapter = state.adapter(request.getAdapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getAdapter()));
        }
        if (adapter.deleted()) {
            return ofDeleted(adapter, request, view);
        }
        Refusal stale = AdapterRules.stale(adapter, request.getEpoch());
        if (stale != null) {
            return new Decision.Refused<>(stale);
        }
        OpenManifest open = adapter.open().get(request.getSeq());
        if (open == null) {
            return repeated(adapter, request, view);
        }
        Quarantine quarantine = Quarantine.of(request, view);
        Refusal strange = quarantine.refusal(request);
        if (strange != null) {
            return new Decision.Refused<>(strange);
        }
        return switch (request.getOutcome()) {
            case OUTCOME_COMMITTED -> commit(adapter, open, command, quarantine, view);
            case OUTCOME_REJECTED -> reject(adapter, open, command, view);
            case OUTCOME_ABANDONED -> new Decision.Accepted<>(
                    List.of(ended(request, ManifestState.MANIFEST_STATE_ABANDONED,
                            claimed(request, view), open.replays())),
                    reply(adapter, null));
            case OUTCOME_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException(
                    "outcome must be checked before it is decided");
        };
    }

    /** Who had its outcome taken before learns so when it asks again; nothing else ends there any more. */
    private static Decision<PutOutcomeReply> ofDeleted(AdapterState adapter,
            PutOutcomeRequest request, CommitView view) {
        Decision<PutOutcomeReply> repeated = repeated(adapter, request, view);
        return repeated instanceof Decision.Accepted<PutOutcomeReply> ? repeated
                : new Decision.Refused<>(Refusal.noAdapter(request.getAdapter()));
    }

    /** Everything that the manifest of a request claims. */
    static List<String> claimed(PutOutcomeRequest request, CommitView view) {
        return view.examples(request.getAdapter(), request.getSeq())
                .stream()
                .flatMap(each -> Claim.idsOf(each).stream())
                .toList();
    }

    private static Decision<PutOutcomeReply> repeated(AdapterState adapter,
            PutOutcomeRequest request, CommitView view) {
        ManifestEntry entry = view.manifestEntry(request.getAdapter(), request.getSeq());
        if (entry == null || entry.outcome() == null) {
            return new Decision.Refused<>(noManifest(request.getAdapter(), request.getSeq()));
        }
        if (!same(entry.outcome(), request)) {
            return new Decision.Refused<>(Refusal.of(Reason.OUTCOME_DIFFERS,
                    "manifest " + request.getSeq() + " of " + request.getAdapter(),
                    "manifest " + request.getSeq() + " of " + request.getAdapter() + " ended as "
                            + name(entry.outcome().getOutcome()) + " already, asked was "
                            + name(request.getOutcome()) + "; an outcome never changes"));
        }
        VersionRecord version = entry.summary().getVersion() == 0 ? null
                : view.version(request.getAdapter(), entry.summary().getVersion());
        return new Decision.Accepted<>(List.of(), reply(adapter, version));
    }

    /** Figures may differ: a round that is trained again takes another time. Its weights, and what made them, may not. */
    private static boolean same(PutOutcomeRequest before, PutOutcomeRequest now) {
        return before.getOutcome() == now.getOutcome()
                && untrainable(before).equals(untrainable(now))
                && (before.getOutcome() != Outcome.OUTCOME_COMMITTED
                        || before.getWeightsDigest().equals(now.getWeightsDigest())
                                && before.getOptimizerDigest().equals(now.getOptimizerDigest()));
    }

    private static List<String> untrainable(PutOutcomeRequest request) {
        return request.getUntrainableList()
                .stream()
                .map(UntrainableExample::getExampleId)
                .toList();
    }

    private static String name(Outcome outcome) {
        return outcome.name().replace("OUTCOME_", "");
    }

    private Decision<PutOutcomeReply> reject(AdapterState adapter, OpenManifest open,
            Command.PutOutcome command, CommitView view) {
        Fact.ManifestEnded rejected = ended(command.request(),
                ManifestState.MANIFEST_STATE_REJECTED, List.of(), open.replays());
        List<Fact> facts = new ArrayList<>(List.of(rejected));
        if (open.replays() != 0) {
            AdapterState after =
                    repaired(facts, adapter.after(rejected), command.atMillis());
            Releases.add(facts, adapter, after, retention, view);
        }
        return new Decision.Accepted<>(facts, reply(adapter, null));
    }

    /** A round of a repair is done, whatever came of it. */
    private static AdapterState repaired(List<Fact> facts, AdapterState adapter, long atMillis) {
        AdapterState after = adapter;
        for (Fact fact : RepairRules.advanced(adapter, atMillis)) {
            facts.add(fact);
            after = after.after(fact);
        }
        return after;
    }

    private Decision<PutOutcomeReply> commit(AdapterState adapter, OpenManifest open,
            Command.PutOutcome command, Quarantine quarantine, CommitView view) {
        PutOutcomeRequest request = command.request();
        if (open.parent() != adapter.head()) {
            return new Decision.Refused<>(headMoved(adapter, open.parent()));
        }
        if (!view.hasBlob(request.getWeightsDigest())) {
            return new Decision.Refused<>(missing("weights_digest", request.getWeightsDigest()));
        }
        if (!view.hasBlob(request.getOptimizerDigest())) {
            return new Decision.Refused<>(
                    missing("optimizer_digest", request.getOptimizerDigest()));
        }
        VersionRecord version = version(adapter, command);
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact.ManifestEnded(request.getAdapter(), request.getSeq(),
                ManifestState.MANIFEST_STATE_COMMITTED, request, version.getRef().getNumber(),
                quarantine.feedback(), List.of(), open.replays()));
        Fact.VersionCommitted committed = new Fact.VersionCommitted(version);
        facts.add(committed);
        AdapterState after = adapter.after(committed);
        for (Fact.AliasMoved move : release(adapter, after, open, command)) {
            facts.add(move);
            after = after.after(move);
        }
        if (open.replays() != 0) {
            after = repaired(facts, after, command.atMillis());
        }
        Releases.add(facts, adapter, after, retention, view);
        return new Decision.Accepted<>(facts, reply(after, version));
    }

    private static VersionRecord version(AdapterState adapter, Command.PutOutcome command) {
        PutOutcomeRequest request = command.request();
        return VersionRecord.newBuilder()
                .setRef(VersionRef.newBuilder()
                        .setAdapter(adapter.name())
                        .setNumber(adapter.lastVersion() + 1)
                        .setDigest(request.getWeightsDigest())
                        .setBaseDigest(adapter.record().getBaseDigest()))
                .setParent(adapter.head())
                .setManifestSeq(request.getSeq())
                .setState(VersionState.VERSION_STATE_COMMITTED)
                .setOptimizerDigest(request.getOptimizerDigest())
                .setFigures(request.getFigures())
                .setCreatedAtMillis(command.atMillis())
                .setProbeFingerprint(request.getProbeFingerprint())
                .build();
    }

    /**
     * Under IMMEDIATE {@code serving} follows HEAD, unless an operator has put it anywhere but the round's parent; what a repair
     * trains again is released by that, see {@link RepairRules#advanced}.
     */
    private static List<Fact.AliasMoved> release(AdapterState before, AdapterState after,
            OpenManifest open, Command.PutOutcome command) {
        AliasRecord serving = before.alias(AliasRules.SERVING);
        boolean follows = serving == null || serving.getVersion() == open.parent();
        if (before.record().getRelease() != ReleasePolicy.RELEASE_POLICY_IMMEDIATE || !follows
                || open.replays() != 0) {
            return List.of();
        }
        return AliasRules.moves(after, AliasRules.SERVING, after.head(), "store",
                "released with manifest " + open.seq(), command.atMillis());
    }

    /** Without a version. */
    static Fact.ManifestEnded ended(PutOutcomeRequest request, ManifestState state,
            List<String> released, long replays) {
        return new Fact.ManifestEnded(request.getAdapter(), request.getSeq(), state, request, 0,
                List.of(), released, replays);
    }

    private static PutOutcomeReply reply(AdapterState adapter, @Nullable VersionRecord version) {
        PutOutcomeReply.Builder reply = PutOutcomeReply.newBuilder().setHead(adapter.head());
        if (version != null) {
            reply.setVersion(version);
        }
        return reply.build();
    }

    static Refusal headMoved(AdapterState adapter, long parent) {
        return Refusal.conflict(Reason.HEAD_MOVED, "adapter " + adapter.name(),
                "parent " + Long.toUnsignedString(parent) + " is not HEAD of " + adapter.name()
                        + ", which is " + adapter.head() + "; abandon the round and claim anew",
                parent, adapter.head());
    }

    static Refusal missing(String field, String digest) {
        return Refusal.of(Reason.BLOB_MISSING, "blob " + digest,
                field + " " + digest + " names no blob in the store; upload it first");
    }

    static Refusal noManifest(String adapter, long seq) {
        String subject = "manifest " + Long.toUnsignedString(seq) + " of " + adapter;
        return Refusal.of(Reason.MANIFEST_NOT_FOUND, subject, "there is no " + subject);
    }
}
