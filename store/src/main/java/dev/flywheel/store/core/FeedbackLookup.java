package dev.flywheel.store.core;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the manifests of feedback events by their claims. Shows what is in {@code state} and no later manifest. For one lookup.
 */
public final class FeedbackLookup {
    private final StoreState state;
    private final CommitView view;
    /** Many events stand in one manifest; each is read once. */
    private final Map<Claim, Standing> standings = new HashMap<>();

    /** A manifest as it is looked up in. */
    private record Standing(ManifestSummary manifest, Set<FeedbackKey> quarantined) {}

    public FeedbackLookup(StoreState state, CommitView view) {
        this.state = state;
        this.view = view;
    }

    /** Returns those of the asked that are claimed or withdrawn, in their order. */
    public List<LocatedFeedback> locate(List<FeedbackKey> asked) {
        Map<String, Claim> claims = view.claims(asked.stream().map(Claim::idOf).toList());
        Set<Tombstone> withdrawn = view.tombstones(
                asked.stream().map(FeedbackLookup::withdrawing).toList());
        List<LocatedFeedback> located = new ArrayList<>();
        for (FeedbackKey key : asked) {
            LocatedFeedback found = located(key, claims.get(Claim.idOf(key)))
                    .setWithdrawn(withdrawn.contains(withdrawing(key)))
                    .build();
            if (found.getWithdrawn() || found.getSeq() > 0) {
                located.add(found);
            }
        }
        return located;
    }

    private static Tombstone withdrawing(FeedbackKey key) {
        return new Tombstone.OfFeedback(key.getSource(), key.getFeedbackId());
    }

    private LocatedFeedback.Builder located(FeedbackKey key, @Nullable Claim claim) {
        LocatedFeedback.Builder found = LocatedFeedback.newBuilder().setFeedback(key);
        Standing standing = claim == null ? null : standing(claim).orElse(null);
        return standing == null ? found
                : found.setAdapter(standing.manifest().getAdapter())
                        .setSeq(standing.manifest().getSeq())
                        .setState(standing.manifest().getState())
                        .setVersion(standing.manifest().getVersion())
                        .setQuarantined(standing.quarantined().contains(key));
    }

    /** Empty if the claim came after the state. */
    private Optional<Standing> standing(Claim claim) {
        AdapterState adapter = state.adapter(claim.adapter());
        if (adapter == null || claim.seq() >= adapter.nextSeq()) {
            return Optional.empty();
        }
        return Optional.of(standings.computeIfAbsent(claim, each -> read(adapter, each)));
    }

    private Standing read(AdapterState adapter, Claim claim) {
        ManifestEntry entry = view.manifestEntry(claim.adapter(), claim.seq());
        if (entry == null) {
            throw new BrokenInvariantException("manifest " + claim.seq() + " of "
                    + claim.adapter() + " holds a claim and does not exist");
        }
        ManifestSummary manifest = entry.summary();
        return adapter.open().containsKey(claim.seq())
                ? new Standing(open(manifest), Set.of())
                : new Standing(manifest, takenOut(manifest));
    }

    private static Set<FeedbackKey> takenOut(ManifestSummary manifest) {
        Set<FeedbackKey> keys = new HashSet<>(manifest.getQuarantinedList());
        keys.addAll(manifest.getWithdrawnList());
        return keys;
    }

    /** Its end may be written already, and not be durable yet. */
    private static ManifestSummary open(ManifestSummary manifest) {
        return manifest.toBuilder()
                .setState(ManifestState.MANIFEST_STATE_OPEN)
                .clearVersion()
                .clearQuarantined()
                .build();
    }
}
