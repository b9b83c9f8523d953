package dev.flywheel.store.core;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedExample;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Claims examples: step 1 of the protocol, and the place where no example id and no feedback event enters two live manifests (I1). */
final class ManifestRules {
    /** A seq may skip some, but not so many that a wrong one could use the numbers up. */
    private static final long SEQ_SKIP_MAX = 1_000_000;

    private final Limits limits;

    ManifestRules(Limits limits) {
        this.limits = limits;
    }

    Decision<PutManifestReply> put(StoreState state, Command.PutManifest command, CommitView view) {
        PutManifestRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getAdapter()));
        }
        Refusal stale = AdapterRules.stale(adapter, request.getEpoch());
        if (stale != null) {
            return new Decision.Refused<>(stale);
        }
        // By what is claimed: the same event read from elsewhere is the same claim.
        String digest = RequestDigest.of(request.toBuilder().clearOrigins().build());
        if (Long.compareUnsigned(request.getSeq(), adapter.nextSeq()) < 0) {
            return repeated(adapter, request, digest, view);
        }
        Refusal refusal = refusal(adapter, request);
        return refusal == null ? claim(adapter, command, digest, view)
                : new Decision.Refused<>(refusal);
    }

    private static Decision<PutManifestReply> repeated(AdapterState adapter,
            PutManifestRequest request, String digest, CommitView view) {
        ManifestEntry entry = view.manifestEntry(request.getAdapter(), request.getSeq());
        if (entry != null && entry.requestDigest().equals(digest)) {
            return new Decision.Accepted<>(List.of(),
                    reply(adapter, request, entry.refused(), entry.summary().getExamples()));
        }
        return new Decision.Refused<>(taken(request.getAdapter(), request.getSeq()));
    }

    private @Nullable Refusal refusal(AdapterState adapter, PutManifestRequest request) {
        Refusal outOfTurn = outOfTurn(adapter, request.getSeq(), request.getParent(), limits);
        if (outOfTurn != null) {
            return outOfTurn;
        }
        if (!adapter.repairLeft().isEmpty()) {
            return Refusal.of(Reason.REPAIR_BEGAN, subject(request), "what " + adapter.name()
                    + " has learned is being repaired, rounds left " + adapter.repairLeft().count()
                    + "; claim those first");
        }
        int examplesMax =
                Math.min(limits.examplesMax(), adapter.record().getRound().getExamplesMax());
        if (request.getExamplesCount() > examplesMax) {
            return Refusal.of(Reason.TOO_MANY_EXAMPLES, subject(request),
                    subject(request) + " has " + request.getExamplesCount()
                            + " examples, allowed are " + examplesMax
                            + "; the adapter's round.examples_max sets this");
        }
        return null;
    }

    /** Null if a manifest of this seq and parent may be claimed now. */
    static @Nullable Refusal outOfTurn(AdapterState adapter, long seq, long parent,
            Limits limits) {
        String subject = subject(adapter.name(), seq);
        if (Long.compareUnsigned(seq, adapter.nextSeq() + SEQ_SKIP_MAX) > 0) {
            return Refusal.conflict(Reason.SEQ_OUT_OF_RANGE, subject,
                    subject + " skips too many, the next is " + adapter.nextSeq(),
                    adapter.nextSeq(), seq);
        }
        if (parent != adapter.head()) {
            return OutcomeRules.headMoved(adapter, parent);
        }
        if (adapter.open().size() >= limits.openManifestsMax()) {
            return Refusal.of(Reason.TOO_MANY_OPEN_MANIFESTS, subject,
                    adapter.name() + " has " + adapter.open().size()
                            + " manifests without an outcome, allowed are "
                            + limits.openManifestsMax() + "; end one first");
        }
        return null;
    }

    static Refusal taken(String adapter, long seq) {
        return Refusal.of(Reason.SEQ_TAKEN, subject(adapter, seq), subject(adapter, seq)
                + " was used for something else; acquire an epoch to learn the next");
    }

    private Decision<PutManifestReply> claim(AdapterState adapter,
            Command.PutManifest command, String digest, CommitView view) {
        PutManifestRequest request = command.request();
        List<RefusedExample> refused = new ArrayList<>();
        List<Example> kept = new ArrayList<>();
        sort(request, view, kept, refused);
        PutManifestReply reply = reply(adapter, request, refused, kept.size());
        if (kept.isEmpty()) {
            return new Decision.Accepted<>(List.of(), reply);
        }
        Manifest claimed = manifest(adapter, command, kept);
        Manifest manifest = claimed.toBuilder()
                .addAllReplayed(
                        new Replay(adapter, claimed, view, limits.manifestBytesMax()).draw())
                .build();
        ManifestEntry entry = new ManifestEntry(summary(manifest), digest, refused, null);
        return new Decision.Accepted<>(List.of(new Fact.ManifestClaimed(manifest, entry)), reply);
    }

    private static void sort(PutManifestRequest request, CommitView view, List<Example> kept,
            List<RefusedExample> refused) {
        Map<String, Set<String>> ids = new HashMap<>();
        request.getExamplesList()
                .forEach(example -> ids.put(example.getExampleId(), Claim.idsOf(example)));
        Map<String, Claim> claims = Failpoints.broken("claim-index") ? Map.of()
                : view.claims(ids.values().stream().flatMap(Set::stream).toList());
        // Of what is kept: an event may stand behind several examples of a manifest, but of one impression alone.
        Map<String, String> impressions = new HashMap<>();
        Map<String, List<Tombstone>> withdrawing = new HashMap<>();
        Set<Tombstone> asked = new HashSet<>();
        for (Example example : request.getExamplesList()) {
            List<Tombstone> own = Tombstone.withdrawing(example);
            withdrawing.put(example.getExampleId(), own);
            asked.addAll(own);
        }
        Set<Tombstone> withdrawn = view.tombstones(asked);
        for (Example example : request.getExamplesList()) {
            String id = example.getExampleId();
            Set<String> claiming = ids.getOrDefault(id, Set.of());
            Optional<Claim> claim = claiming.stream()
                    .map(each -> taken(each, example, claims, impressions, request))
                    .filter(Objects::nonNull)
                    .findFirst();
            // What was claimed before it was withdrawn is where it is, however often it is asked for.
            if (claim.isPresent()) {
                boolean here = claim.get().adapter().equals(request.getAdapter());
                refused.add(refused(id, RefusalReason.REFUSAL_REASON_DUPLICATE)
                        .setManifestSeq(here ? claim.get().seq() : 0)
                        .build());
            } else if (withdrawing.getOrDefault(id, List.of())
                    .stream()
                    .anyMatch(withdrawn::contains)) {
                refused.add(refused(id, RefusalReason.REFUSAL_REASON_RETRACTED).build());
            } else {
                kept.add(example);
                claiming.forEach(each -> impressions.put(each, example.getImpressionId()));
            }
        }
    }

    /** Returns who has an id that an example would claim: an earlier manifest, or an example before it in this one. */
    private static @Nullable Claim taken(String id, Example example, Map<String, Claim> claims,
            Map<String, String> impressions, PutManifestRequest request) {
        String impression = impressions.get(id);
        return impression == null || impression.equals(example.getImpressionId())
                ? claims.get(id)
                : new Claim(request.getAdapter(), request.getSeq());
    }

    private static RefusedExample.Builder refused(String exampleId, RefusalReason reason) {
        return RefusedExample.newBuilder().setExampleId(exampleId).setReason(reason);
    }

    private static Manifest manifest(AdapterState adapter, Command.PutManifest command,
            List<Example> kept) {
        PutManifestRequest request = command.request();
        Set<FeedbackKey> feedback = feedback(kept);
        return Manifest.newBuilder()
                .setAdapter(adapter.name())
                .setSeq(request.getSeq())
                .setEpoch(request.getEpoch())
                .setParent(adapter.head())
                .setParentDigest(adapter.headVersion().getRef().getDigest())
                .setBaseDigest(adapter.record().getBaseDigest())
                .addAllExamples(kept)
                .setSeed(request.getSeed())
                .setSettings(adapter.record().getRound())
                .setBackend(request.getBackend())
                .setClaimedAtMillis(command.atMillis())
                .addAllOrigins(request.getOriginsList()
                        .stream()
                        .filter(origin -> feedback.contains(origin.getFeedback()))
                        .toList())
                .build();
    }

    static Set<FeedbackKey> feedback(List<Example> examples) {
        Set<FeedbackKey> feedback = new LinkedHashSet<>();
        examples.forEach(example -> feedback.addAll(example.getFeedbackList()));
        return feedback;
    }

    static ManifestSummary summary(Manifest manifest) {
        return ManifestSummary.newBuilder()
                .setAdapter(manifest.getAdapter())
                .setSeq(manifest.getSeq())
                .setState(ManifestState.MANIFEST_STATE_OPEN)
                .setParent(manifest.getParent())
                .setExamples(manifest.getExamplesCount())
                .addAllFeedback(feedback(manifest.getExamplesList()))
                .setReplays(manifest.getReplays())
                .build();
    }

    /** Says how the adapter is to a driver that knows it otherwise. */
    private static PutManifestReply reply(AdapterState adapter, PutManifestRequest request,
            List<RefusedExample> refused, int claimed) {
        PutManifestReply.Builder reply = PutManifestReply.newBuilder()
                .addAllRefused(refused)
                .setClaimed(claimed)
                .setSeq(request.getSeq());
        if (request.getAdapterRevision() != adapter.record().getRevision()) {
            reply.setAdapter(adapter.record());
        }
        return reply.build();
    }

    private static String subject(PutManifestRequest request) {
        return subject(request.getAdapter(), request.getSeq());
    }

    private static String subject(String adapter, long seq) {
        return "seq " + Long.toUnsignedString(seq) + " of " + adapter;
    }

    /** Withdraws an event even if it is claimed: its manifest may be abandoned yet. */
    Decision<WithdrawReply> withdraw(StoreState state, Command.WithdrawFeedback command,
            CommitView view) {
        FeedbackKey key = command.request().getFeedback();
        Tombstone stone = new Tombstone.OfFeedback(key.getSource(), key.getFeedbackId());
        List<Fact> facts = view.tombstones(Set.of(stone)).isEmpty()
                ? List.of(new Fact.Withdrawn(Set.of(stone)))
                : List.of();
        String id = Claim.idOf(key);
        Claim claim = view.claims(List.of(id)).get(id);
        if (claim == null) {
            return new Decision.Accepted<>(facts, WithdrawReply.getDefaultInstance());
        }
        AdapterState adapter = state.adapter(claim.adapter());
        if (!facts.isEmpty() && adapter != null && !adapter.deleted()
                && teaches(adapter, claim.seq(), view)) {
            facts = List.of(facts.getFirst(),
                    new Fact.WithdrawnLate(claim.adapter(), claim.seq(), command.atMillis()));
        }
        return new Decision.Accepted<>(facts,
                WithdrawReply.newBuilder()
                        .setManifestSeq(claim.seq())
                        .setAdapter(claim.adapter())
                        .setOpen(adapter != null && adapter.open().containsKey(claim.seq()))
                        .build());
    }

    /** Whether HEAD has, or will have, learned from a manifest. One that is replaced is looked at again when it is claimed. */
    private static boolean teaches(AdapterState adapter, long seq, CommitView view) {
        ManifestEntry entry = view.manifestEntry(adapter.name(), seq);
        return entry != null && (entry.open()
                || entry.summary().getState() == ManifestState.MANIFEST_STATE_COMMITTED);
    }

    Decision<Set<Tombstone>> withdraw(Command.Withdraw command, CommitView view) {
        Set<Tombstone> fresh = new HashSet<>(command.tombstones());
        fresh.removeAll(view.tombstones(command.tombstones()));
        List<Fact> facts = fresh.isEmpty() ? List.of() : List.of(new Fact.Withdrawn(fresh));
        return new Decision.Accepted<>(facts, Set.copyOf(fresh));
    }
}
