package dev.flywheel.store.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.store.InMemoryCommitLog;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a store holds to whatever it is asked, written down a second time and judged over the whole history, on the disk and on
 * maps side by side.
 */
final class StorePromises {
    private static final Set<AuditAction> SETTINGS = Set.of(AuditAction.AUDIT_ACTION_CREATED,
            AuditAction.AUDIT_ACTION_CONFIGURED, AuditAction.AUDIT_ACTION_DELETED);

    private final InMemoryCommitLog maps;
    private final Retention retention;
    private final Map<String, Set<String>> gone = new HashMap<>();
    private long accepted;
    // Which was the how manieth command that changed something.
    private final Map<FeedbackKey, Long> withdrawnAt = new HashMap<>();
    private final Map<Claim, Long> claimedAt = new HashMap<>();
    private long refusedAsWithdrawn;
    private long replayed;
    // As they were claimed, also those that are not kept any more.
    private final Map<Claim, Manifest> manifests = new HashMap<>();
    // Events that were withdrawn when a manifest had claimed them.
    private final Set<FeedbackKey> withdrawnLate = new HashSet<>();

    StorePromises(InMemoryCommitLog maps, Retention retention) {
        this.maps = maps;
        this.retention = retention;
    }

    /** Commands that changed something. */
    long accepted() {
        return accepted;
    }

    /** Claims of what was withdrawn. */
    long refusedAsWithdrawn() {
        return refusedAsWithdrawn;
    }

    /** Examples that were drawn against forgetting. */
    long replayed() {
        return replayed;
    }

    /** Writes down when what was claimed and withdrawn, and judges what a withdrawal is told. */
    void note(Command<?> command, Decision.Accepted<?> done) {
        if (!done.facts().isEmpty()) {
            accepted++;
        }
        for (Fact fact : done.facts()) {
            if (fact instanceof Fact.ManifestClaimed claimed) {
                manifests.put(new Claim(claimed.manifest().getAdapter(),
                        claimed.manifest().getSeq()), claimed.manifest());
            }
        }
        if (command instanceof Command.Withdraw withdraw) {
            withdraw.tombstones()
                    .forEach(each -> withdrawnAt.putIfAbsent(keyOf(each), accepted));
        } else if (command instanceof Command.WithdrawFeedback withdraw) {
            FeedbackKey key = withdraw.request().getFeedback();
            withdrawnAt.putIfAbsent(key, accepted);
            judgeReply(key, (WithdrawReply) done.reply());
            if (done.facts().size() > 1) {
                withdrawnLate.add(key);
            }
        } else if (command instanceof Command.PutReplay) {
            done.facts().forEach(fact -> {
                if (fact instanceof Fact.ManifestClaimed claimed) {
                    claimedAt.put(new Claim(claimed.manifest().getAdapter(),
                            claimed.manifest().getSeq()), accepted);
                }
            });
        } else if (done.reply() instanceof PutManifestReply reply) {
            if (!done.facts().isEmpty()) {
                String adapter = ((Command.PutManifest) command).request().getAdapter();
                claimedAt.put(new Claim(adapter, reply.getSeq()), accepted);
                judgeReplayed(((Fact.ManifestClaimed) done.facts().getFirst()).manifest());
            }
            refusedAsWithdrawn += reply.getRefusedList()
                    .stream()
                    .filter(each -> each
                            .getReason() == RefusalReason.REFUSAL_REASON_RETRACTED)
                    .count();
        }
    }

    /** What a claim draws besides was trained by the last of HEAD's ancestors, and nobody has withdrawn it. */
    private void judgeReplayed(Manifest manifest) {
        RoundSettings settings = manifest.getSettings();
        assertThat((long) manifest.getReplayedCount()).isLessThanOrEqualTo(
                Math.round(settings.getReplayShare() * manifest.getExamplesCount()));
        Set<Example> trained = new HashSet<>();
        long number = manifest.getParent();
        for (int back = 0; back < settings.getReplayManifests() && number > 0; back++) {
            VersionRecord version = maps.version(manifest.getAdapter(), number);
            Set<String> untrainable = new HashSet<>();
            maps.manifestEntry(manifest.getAdapter(), version.getManifestSeq())
                    .outcome()
                    .getUntrainableList()
                    .forEach(each -> untrainable.add(each.getExampleId()));
            maps.examples(manifest.getAdapter(), version.getManifestSeq())
                    .stream()
                    .filter(each -> !untrainable.contains(each.getExampleId()))
                    .forEach(trained::add);
            number = version.getParent();
        }
        assertThat(manifest.getReplayedList()).doesNotHaveDuplicates();
        assertThat(trained).containsAll(manifest.getReplayedList());
        for (Example example : manifest.getReplayedList()) {
            assertThat(withdrawnAt.keySet()).doesNotContainAnyElementsOf(
                    example.getFeedbackList());
        }
        replayed += manifest.getReplayedCount();
    }

    private static FeedbackKey keyOf(Tombstone stone) {
        Tombstone.OfFeedback of = (Tombstone.OfFeedback) stone;
        return FeedbackKey.newBuilder()
                .setSource(of.source())
                .setFeedbackId(of.feedbackId())
                .build();
    }

    /** A withdrawal names the one live manifest that has the event, or none. */
    private void judgeReply(FeedbackKey key, WithdrawReply reply) {
        List<ManifestSummary> live = new ArrayList<>();
        for (AdapterState state : maps.load().sorted()) {
            maps.manifestsAfter(state.name(), 0, 10_000)
                    .stream()
                    .filter(each -> each
                            .getState() != ManifestState.MANIFEST_STATE_ABANDONED)
                    .filter(each -> each.getFeedbackList().contains(key))
                    .filter(each -> each.getReplacedBy() == 0
                            || each.getWithdrawnList().contains(key))
                    .forEach(live::add);
        }
        assertThat(live.stream().map(ManifestSummary::getSeq).toList())
                .isEqualTo(reply.getManifestSeq() == 0 ? List.of()
                        : List.of(reply.getManifestSeq()));
        for (ManifestSummary manifest : live) {
            assertThat(reply.getAdapter()).isEqualTo(manifest.getAdapter());
            assertThat(reply.getOpen()).isEqualTo(
                    manifest.getState() == ManifestState.MANIFEST_STATE_OPEN);
        }
    }

    /** After each command that changed something. */
    void judge(CommitHistory disk) {
        Map<String, Claim> claims = new HashMap<>();
        Set<String> ids = new HashSet<>();
        for (AdapterState state : maps.load().sorted()) {
            judgeManifests(disk, state, claims, ids);
            judgeChain(disk, state);
            judgeAudit(disk, state);
        }
        assertThat(disk.claims(ids)).as("claims of all ids ever seen")
                .isEqualTo(claims);
        assertThat(maps.claims(ids)).isEqualTo(claims);
        judgeBlobs(disk);
    }

    /**
     * I1: an example id, and an event, stands in at most one manifest that is not abandoned; what a replaced one held is its
     * own until another holds it again.
     */
    private void judgeManifests(CommitHistory disk, AdapterState state, Map<String, Claim> claims,
            Set<String> ids) {
        List<ManifestSummary> summaries =
                disk.manifestsAfter(state.name(), 0, 10_000);
        assertThat(summaries).isEqualTo(maps.manifestsAfter(state.name(), 0, 10_000));
        Set<Long> open = new HashSet<>();
        for (ManifestSummary summary : summaries) {
            Manifest manifest = manifest(disk, state, summary.getSeq());
            boolean live = summary.getState() != ManifestState.MANIFEST_STATE_ABANDONED;
            Claim claim = new Claim(state.name(), summary.getSeq());
            for (Example example : manifest.getExamplesList()) {
                judgeWithdrawn(claim, example);
                for (String id : Claim.idsOf(example)) {
                    ids.add(id);
                    assertThat(live ? claims.put(id, claim) : null)
                            .as("another manifest with the example or event of %s", claim)
                            .isIn(null, new Claim(state.name(), summary.getReplays()));
                }
            }
            if (summary.getState() == ManifestState.MANIFEST_STATE_OPEN) {
                open.add(summary.getSeq());
            }
            judgeQuarantine(state.name(), summary, manifest);
        }
        assertThat(state.open().keySet()).isEqualTo(open);
    }

    /** As it was claimed; what is kept of it is the same on the disk, and no more than that. */
    private Manifest manifest(CommitHistory disk, AdapterState state, long seq) {
        Manifest claimed = manifests.get(new Claim(state.name(), seq));
        boolean kept = seq >= state.manifestsFrom();
        assertThat(disk.manifest(state.name(), seq)).isEqualTo(kept ? claimed : null);
        assertThat(disk.expired(state.name(), seq)).isEqualTo(maps.expired(state.name(), seq));
        assertThat(maps.expired(state.name(), seq) == null).isEqualTo(kept);
        for (Example example : claimed.getExamplesList()) {
            Tombstone.OfUser user =
                    new Tombstone.OfUser(example.getTenant(), example.getUser());
            assertThat(disk.expiredOf(user, state.name()))
                    .isEqualTo(maps.expiredOf(user, state.name()));
        }
        return claimed;
    }

    /** What was withdrawn is in no manifest that was claimed afterwards. */
    private void judgeWithdrawn(Claim claim, Example example) {
        for (FeedbackKey key : example.getFeedbackList()) {
            assertThat(withdrawnAt.getOrDefault(key, Long.MAX_VALUE))
                    .as("when %s was withdrawn, which is in %s", key, claim)
                    .isGreaterThan(claimedAt.get(claim));
        }
    }

    /** P3: what a committed manifest does not train is quarantined, and in no other manifest is anything. */
    private void judgeQuarantine(String adapter, ManifestSummary summary, Manifest manifest) {
        Set<String> untrainable = new HashSet<>();
        if (summary.getVersion() != 0) {
            maps.manifestEntry(adapter, summary.getSeq())
                    .outcome()
                    .getUntrainableList()
                    .forEach(example -> untrainable.add(example.getExampleId()));
        }
        assertThat(summary.getQuarantinedList()).containsExactlyElementsOf(
                manifest.getExamplesList()
                        .stream()
                        .filter(example -> untrainable.contains(example.getExampleId()))
                        .flatMap(example -> example.getFeedbackList().stream())
                        .toList());
    }

    /** Everything that was done to an adapter is told once, in order, and ends in its record. */
    private void judgeAudit(CommitHistory disk, AdapterState state) {
        List<AuditEntry> newestFirst = disk.audit(state.name(), 10_000);
        assertThat(newestFirst).isEqualTo(maps.audit(state.name(), 10_000));
        assertThat(newestFirst).hasSize((int) state.audits());
        long sequence = 0;
        long revision = 0;
        for (AuditEntry entry : newestFirst.reversed()) {
            assertThat(entry.getSequence()).isEqualTo(++sequence);
            if (SETTINGS.contains(entry.getAction())) {
                assertThat(entry.getRevision()).isEqualTo(++revision);
                assertThat(entry.getChanges().isEmpty()).isEqualTo(
                        entry.getAction() != AuditAction.AUDIT_ACTION_CONFIGURED);
            }
        }
        assertThat(state.record().getRevision()).isEqualTo(revision);
        boolean deleted = newestFirst.getFirst().getAction()
                == AuditAction.AUDIT_ACTION_DELETED;
        assertThat(state.deleted()).isEqualTo(deleted);
        assertThat(deleted && !state.open().isEmpty()).as("open rounds after it").isFalse();
    }

    /** I2: from HEAD every parent leads back to version 0; all others were ended; and what was withdrawn is known. */
    private void judgeChain(CommitHistory disk, AdapterState state) {
        VersionRecord version = state.headVersion();
        Set<Long> chain = new HashSet<>();
        while (version.getRef().getNumber() != 0) {
            chain.add(version.getRef().getNumber());
            Manifest manifest = manifest(disk, state, version.getManifestSeq());
            assertThat(manifest.getParent()).isEqualTo(version.getParent());
            judgeForgetting(state, manifest);
            VersionRecord parent = disk.version(state.name(), version.getParent());
            assertThat(manifest.getParentDigest()).isEqualTo(parent.getRef().getDigest());
            version = parent;
        }
        assertThat(state.lineage().count()).isEqualTo(chain.size() + 1);
        for (long number = 1; number <= state.lastVersion(); number++) {
            VersionRecord record = disk.version(state.name(), number);
            assertThat(record).isEqualTo(maps.version(state.name(), number));
            assertThat(record.getState() == VersionState.VERSION_STATE_COMMITTED)
                    .as("version %d stands", number)
                    .isEqualTo(chain.contains(number));
            assertThat(state.lineage().holds(number)).isEqualTo(chain.contains(number));
        }
    }

    private void judgeForgetting(AdapterState state, Manifest manifest) {
        for (Example example : manifest.getExamplesList()) {
            if (example.getFeedbackList().stream().anyMatch(withdrawnLate::contains)
                    && !state.deleted()) {
                assertThat(state.withdrawn()).as("manifests to forget")
                        .containsKey(manifest.getSeq());
            }
        }
    }

    /** Once a version has no reason to keep a blob it never has one again; a blob stays while some version has. */
    private void judgeBlobs(CommitHistory disk) {
        Set<String> wanted = new HashSet<>();
        Set<String> ever = new HashSet<>();
        for (AdapterState state : maps.load().sorted()) {
            for (VersionRecord version : disk
                    .versionsBefore(state.name(),
                            Long.MAX_VALUE, 10_000)) {
                judge(disk, state, version, version.getRef().getDigest(), false, wanted, ever);
                judge(disk, state, version, version.getOptimizerDigest(), true, wanted, ever);
            }
        }
        for (String digest : ever) {
            boolean held = disk.hasBlob(digest);
            assertThat(held).isEqualTo(maps.hasBlob(digest));
            assertThat(held || !wanted.contains(digest)).as("blob %s is held", digest).isTrue();
        }
    }

    private void judge(CommitHistory disk, AdapterState state, VersionRecord version, String digest,
            boolean optimizer, Set<String> wanted, Set<String> ever) {
        if (digest.isEmpty()) {
            return;
        }
        long number = version.getRef().getNumber();
        boolean stands = version.getState() == VersionState.VERSION_STATE_COMMITTED;
        boolean snapshot = number % retention.snapshotEvery() == 0
                && (number == 0 || version.getManifestSeq() >= state.manifestsFrom() - 1);
        boolean named = number == state.head() || stands && snapshot || state.aliases()
                .values()
                .stream()
                .anyMatch(alias -> alias.getVersion() == number);
        boolean kept = !state.deleted()
                && (named || !optimizer && stands && number > state.lastVersion() - 2);
        Set<String> before = gone.computeIfAbsent(state.name(), name -> new HashSet<>());
        ever.add(digest);
        if (!kept) {
            before.add(number + digest);
        } else if (!before.contains(number + digest)) {
            wanted.add(digest);
            assertThat(disk.blob(digest)).isNotNull();
        }
    }

}
