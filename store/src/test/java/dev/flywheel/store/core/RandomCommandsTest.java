package dev.flywheel.store.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.api.v1.WithdrawRequest;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.rocksdb.RocksCommitLog;
import dev.flywheel.store.rocksdb.StoreCheck;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random commands of several writers, zombies among them, carried out on the disk and on maps side by side. After each, what
 * both hold is judged by rules that are written down here a second time, over the whole history.
 *
 * <p>{@code -Dflywheel.seed=N} runs one seed, {@code -Dflywheel.seeds=N} that many.
 */
class RandomCommandsTest {
    private static final int COMMANDS = 250;
    private static final Limits LIMITS =
            new Limits(5, 3, 2, 8, 1 << 20, 1 << 20, 1 << 20, 100, 1, 10, 10, 100);
    private static final Retention RETENTION = new Retention(2, 5, Duration.ofDays(1));
    private static final List<String> ADAPTERS = List.of("a", "a/b", "c", "d", "e");

    private static final Set<AuditAction> SETTINGS = Set.of(AuditAction.AUDIT_ACTION_CREATED,
            AuditAction.AUDIT_ACTION_CONFIGURED, AuditAction.AUDIT_ACTION_DELETED);

    @TempDir Path folder;

    @Test
    void everyInterleavingKeepsThePromises() {
        long first = Long.getLong("flywheel.seed", 1);
        long seeds = System.getProperty("flywheel.seed") != null ? 1
                : Long.getLong("flywheel.seeds", 4);
        long refusedAsWithdrawn = 0;
        long replayed = 0;
        long deleted = 0;
        long repaired = 0;
        long readmitted = 0;
        for (long seed = first; seed < first + seeds; seed++) {
            try (Run run = new Run(seed, folder.resolve("seed" + seed))) {
                run.play();
                refusedAsWithdrawn += run.refusedAsWithdrawn;
                replayed += run.replayed;
                deleted += run.deleted;
                repaired += run.repaired;
                readmitted += run.readmitted;
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
        if (seeds > 1) { // one seed's history may have none
            assertThat(refusedAsWithdrawn).as("claims of what was withdrawn").isPositive();
            assertThat(replayed).as("examples that were replayed").isPositive();
            assertThat(deleted).as("adapters that were deleted").isPositive();
            assertThat(repaired).as("repairs that came to their end").isPositive();
            assertThat(readmitted).as("rounds that came back").isPositive();
        }
    }

    /** One seed's history. */
    private static final class Run implements AutoCloseable {
        private final Random random;
        private final Path folder;
        private final CommitRules rules = new CommitRules(LIMITS, RETENTION);
        private final InMemoryCommitLog maps = new InMemoryCommitLog();
        private RocksCommitLog disk;
        private StoreState diskState;
        private long accepted;
        // What the writers believe; often out of date on purpose.
        private final Map<String, Long> epochs = new HashMap<>();
        private final Map<String, Set<String>> gone = new HashMap<>();
        // Which was the how manieth command that changed something.
        private final Map<FeedbackKey, Long> withdrawnAt = new HashMap<>();
        private final Map<Claim, Long> claimedAt = new HashMap<>();
        private long refusedAsWithdrawn;
        private long replayed;
        private long deleted;
        private long repaired;
        private long readmitted;
        // Events that were withdrawn when a manifest had claimed them.
        private final Set<FeedbackKey> withdrawnLate = new HashSet<>();

        Run(long seed, Path folder) {
            this.random = new Random(seed);
            this.folder = folder;
            this.disk = RocksCommitLog.open(folder, RETENTION, 0);
            this.diskState = disk.load();
            putBlob(Samples.START);
        }

        private void putBlob(byte[] bytes) {
            maps.putBlob(Samples.digest(bytes), bytes, 1);
            disk.putBlob(Samples.digest(bytes), bytes, 1);
        }

        void play() {
            for (int step = 0; step < COMMANDS; step++) {
                Command<?> command = next(step);
                if (carryOut(command)) {
                    judge();
                }
                if (random.nextInt(40) == 0) {
                    reopen();
                }
            }
            check();
            assertThat(accepted).as("commands that changed something").isGreaterThan(COMMANDS / 4);
        }

        private void reopen() {
            disk.sync();
            disk.close();
            disk = RocksCommitLog.open(folder, RETENTION, 1);
            diskState = disk.load();
            assertThat(diskState.commit()).isEqualTo(maps.load().commit());
            assertThat(diskState.sorted()).isEqualTo(maps.load().sorted());
        }

        private <R> boolean carryOut(Command<R> command) {
            Decision<R> expected = rules.decide(maps.load(), command, maps);
            Decision<R> actual = rules.decide(diskState, command, disk.history());
            assertThat(actual).as("decision on %s", command).isEqualTo(expected);
            if (actual instanceof Decision.Accepted<R> done) {
                note(command, done);
            }
            if (command instanceof Command.DeleteAdapter
                    && actual instanceof Decision.Accepted<R>) {
                deleted++;
            }
            if (!(actual instanceof Decision.Accepted<R> done) || done.facts().isEmpty()) {
                return false;
            }
            for (Fact fact : done.facts()) {
                if (fact instanceof Fact.RepairAdvanced advanced && advanced.entry() != null) {
                    repaired++;
                }
                if (fact instanceof Fact.HeadMoved moved && moved.entry()
                        .getAction() == AuditAction.AUDIT_ACTION_READMITTED) {
                    readmitted++;
                }
            }
            maps.append(done.facts(), maps.load().after(done.facts()), 1);
            diskState = diskState.after(done.facts());
            disk.append(done.facts(), diskState, 1);
            if (done.reply() instanceof AcquireEpochReply reply
                    && random.nextInt(3) > 0) {
                epochs.put(reply.getAdapter().getName(), reply.getEpoch());
            }
            return true;
        }

        /** Writes down when what was claimed and withdrawn, and judges what a withdrawal is told. */
        private void note(Command<?> command, Decision.Accepted<?> done) {
            if (!done.facts().isEmpty()) {
                accepted++;
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

        private Command<?> next(int step) {
            String adapter = ADAPTERS.get(random.nextInt(ADAPTERS.size()));
            AdapterState state = maps.load().adapter(adapter);
            if (state == null) {
                return new Command.CreateAdapter(Samples.create(adapter), step);
            }
            if (!state.repairLeft().isEmpty() && random.nextInt(4) > 0) {
                return switch (random.nextInt(6)) {
                    case 0 -> new Command.AcquireEpoch(Samples.epoch(adapter), step);
                    case 1, 2 -> commit(state, step);
                    default -> replay(state, step);
                };
            }
            return switch (random.nextInt(20)) {
                case 0 -> new Command.AcquireEpoch(Samples.epoch(adapter), step);
                case 1, 2, 3, 4 -> claim(state, step);
                case 5, 6, 7 -> commit(state, step);
                case 8 -> end(state, Outcome.OUTCOME_REJECTED, step);
                case 9 -> end(state, Outcome.OUTCOME_ABANDONED, step);
                case 10 -> alias(state, step);
                case 11, 12, 13 -> configure(state, step);
                case 14 -> random.nextInt(8) == 0 ? delete(state, step) : claim(state, step);
                case 15 -> random.nextInt(3) == 0 ? rollback(state, step) : claim(state, step);
                case 16 -> random.nextInt(3) == 0 ? excise(state, step) : claim(state, step);
                case 18 -> random.nextBoolean() ? readmit(state, step) : claim(state, step);
                case 17 -> new Command.ForgetWithdrawn(state.name(), step);
                default -> withdraw(step);
            };
        }

        private long epoch(AdapterState state) {
            return random.nextInt(8) == 0 ? random.nextInt(4)
                    : epochs.getOrDefault(state.name(), state.epoch());
        }

        private long near(long value) {
            return random.nextInt(6) == 0 ? Math.max(0, value - 1 + random.nextInt(3)) : value;
        }

        private Command<?> claim(AdapterState state, int step) {
            Set<String> ids = new HashSet<>();
            for (int i = 0; i <= random.nextInt(4); i++) {
                ids.add("example " + random.nextInt(200));
            }
            PutManifestRequest.Builder request =
                    Samples.manifest(state.name(), near(state.nextSeq()), epoch(state),
                            near(state.head()), ids.toArray(String[]::new)).toBuilder();
            for (Example.Builder example : request.getExamplesBuilderList()) {
                if (random.nextInt(3) == 0) { // an event that may come as another example too
                    example.getFeedbackBuilder(0)
                            .setFeedbackId("example " + random.nextInt(200));
                }
            }
            return new Command.PutManifest(request.build(), step);
        }

        private Command<?> replay(AdapterState state, int step) {
            return new Command.PutReplay(PutReplayRequest.newBuilder()
                    .setAdapter(state.name())
                    .setSeq(near(state.nextSeq()))
                    .setEpoch(epoch(state))
                    .setParent(near(state.head()))
                    .setBackend("cpu")
                    .build(), step);
        }

        private Command<?> rollback(AdapterState state, int step) {
            return new Command.Rollback(RollbackRequest.newBuilder()
                    .setAdapter(state.name())
                    .setVersion(Math.max(0, state.lastVersion() - random.nextInt(6)))
                    .setExpectedHead(near(state.head()))
                    .setActor("operator")
                    .build(), step);
        }

        private Command<?> excise(AdapterState state, int step) {
            ExciseRequest.Builder request = ExciseRequest.newBuilder()
                    .setAdapter(state.name())
                    .setExpectedHead(near(state.head()))
                    .setActor("operator");
            for (int i = 0; i <= random.nextInt(2); i++) {
                request.addVersions(Math.max(0, state.lastVersion() - random.nextInt(6)));
            }
            return new Command.Excise(request.build(), step);
        }

        private Command<?> readmit(AdapterState state, int step) {
            List<Long> out = maps.versionsBefore(state.name(), Long.MAX_VALUE, 1_000)
                    .stream()
                    .filter(each -> each.getState() == VersionState.VERSION_STATE_ROLLED_BACK)
                    .map(each -> each.getRef().getNumber())
                    .toList();
            return new Command.Readmit(ReadmitRequest.newBuilder()
                    .setAdapter(state.name())
                    .setExpectedHead(near(state.head()))
                    .setActor("operator")
                    .addVersions(out.isEmpty() || random.nextInt(6) == 0 ? state.head()
                            : out.get(random.nextInt(out.size())))
                    .build(), step);
        }

        private long someSeq(AdapterState state) {
            List<Long> open = new ArrayList<>(state.open().keySet());
            return open.isEmpty() || random.nextInt(6) == 0 ? random.nextInt(10)
                    : open.get(random.nextInt(open.size()));
        }

        private Command<?> commit(AdapterState state, int step) {
            byte[] weights = Samples.bytes("weights " + random.nextInt(40));
            byte[] optimizer = Samples.bytes("optimizer " + random.nextInt(1000));
            if (random.nextInt(10) > 0) {
                putBlob(weights);
                putBlob(optimizer);
            }
            long seq = someSeq(state);
            return new Command.PutOutcome(
                    Samples.committed(state.name(), seq, epoch(state), weights, optimizer)
                            .toBuilder()
                            .addAllUntrainable(untrainable(state.name(), seq))
                            .build(),
                    step);
        }

        /** Mostly none; else some of the manifest's examples, and at times one that is not. */
        private List<UntrainableExample> untrainable(String adapter, long seq) {
            List<UntrainableExample> some = new ArrayList<>();
            Manifest manifest = maps.manifest(adapter, seq);
            if (manifest != null && random.nextInt(3) == 0) {
                for (Example example : manifest.getExamplesList()) {
                    if (random.nextBoolean()) {
                        some.add(Samples.untrainable("any")
                                .toBuilder()
                                .setExampleId(example.getExampleId())
                                .build());
                    }
                }
            }
            if (random.nextInt(20) == 0) {
                some.add(Samples.untrainable("of no manifest"));
            }
            return some;
        }

        private Command<?> end(AdapterState state, Outcome outcome, int step) {
            return new Command.PutOutcome(
                    Samples.ended(state.name(), someSeq(state), epoch(state), outcome), step);
        }

        private Command<?> alias(AdapterState state, int step) {
            String name = List.of("serving", "canary", "mine", "one-more").get(random.nextInt(4));
            AliasRecord alias = state.alias(name);
            long version = Math.max(0, state.lastVersion() - random.nextInt(4));
            return new Command.SetAlias(Samples.alias(state.name(), name, version,
                    near(alias == null ? 0 : alias.getRevision())), step);
        }

        private Command<?> configure(AdapterState state, int step) {
            ConfigureAdapterRequest.Builder request = ConfigureAdapterRequest.newBuilder()
                    .setName(state.name())
                    .setExpectedRevision(near(state.record().getRevision()))
                    .setActor("operator");
            if (random.nextBoolean()) {
                request.setRound(state.record()
                        .getRound()
                        .toBuilder()
                        .setReplayShare(random.nextInt(3))
                        .setReplayManifests(random.nextInt(6))
                        .setExamplesMax(1 + random.nextInt(8)));
            }
            if (random.nextBoolean()) {
                request.getLearningBuilder().getClickBuilder().setWeight(1 + random.nextInt(2));
            }
            if (random.nextInt(4) == 0) {
                request.setRelease(ReleasePolicy.forNumber(1 + random.nextInt(2)));
            }
            return new Command.ConfigureAdapter(request.build(), step);
        }

        private Command<?> delete(AdapterState state, int step) {
            return new Command.DeleteAdapter(DeleteAdapterRequest.newBuilder()
                    .setName(state.name())
                    .setExpectedRevision(near(state.record().getRevision()))
                    .setActor("operator")
                    .build(), step);
        }

        private Command<?> withdraw(int step) {
            String id = "example " + random.nextInt(200);
            return random.nextBoolean()
                    ? new Command.Withdraw(Set.of(new Tombstone.OfFeedback("web", id)), step)
                    : new Command.WithdrawFeedback(WithdrawRequest.newBuilder()
                            .setFeedback(FeedbackKey.newBuilder()
                                    .setSource("web")
                                    .setFeedbackId(id))
                            .build(), step);
        }

        private void judge() {
            Map<String, Claim> claims = new HashMap<>();
            Set<String> ids = new HashSet<>();
            for (AdapterState state : maps.load().sorted()) {
                judgeManifests(state, claims, ids);
                judgeChain(state);
                judgeAudit(state);
            }
            assertThat(disk.history().claims(ids)).as("claims of all ids ever seen")
                    .isEqualTo(claims);
            assertThat(maps.claims(ids)).isEqualTo(claims);
            judgeBlobs();
        }

        /**
         * I1: an example id, and an event, stands in at most one manifest that is not abandoned; what a replaced one held is its
         * own until another holds it again.
         */
        private void judgeManifests(AdapterState state, Map<String, Claim> claims,
                Set<String> ids) {
            List<ManifestSummary> summaries =
                    disk.history().manifestsAfter(state.name(), 0, 10_000);
            assertThat(summaries).isEqualTo(maps.manifestsAfter(state.name(), 0, 10_000));
            Set<Long> open = new HashSet<>();
            for (ManifestSummary summary : summaries) {
                Manifest manifest = disk.history().manifest(state.name(), summary.getSeq());
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
        private void judgeAudit(AdapterState state) {
            List<AuditEntry> newestFirst = disk.history().audit(state.name(), 10_000);
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
        private void judgeChain(AdapterState state) {
            VersionRecord version = state.headVersion();
            Set<Long> chain = new HashSet<>();
            while (version.getRef().getNumber() != 0) {
                chain.add(version.getRef().getNumber());
                Manifest manifest =
                        disk.history().manifest(state.name(), version.getManifestSeq());
                assertThat(manifest.getParent()).isEqualTo(version.getParent());
                judgeForgetting(state, manifest);
                VersionRecord parent = disk.history().version(state.name(), version.getParent());
                assertThat(manifest.getParentDigest()).isEqualTo(parent.getRef().getDigest());
                version = parent;
            }
            assertThat(state.lineage().count()).isEqualTo(chain.size() + 1);
            for (long number = 1; number <= state.lastVersion(); number++) {
                VersionRecord record = disk.history().version(state.name(), number);
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
        private void judgeBlobs() {
            Set<String> wanted = new HashSet<>();
            Set<String> ever = new HashSet<>();
            for (AdapterState state : maps.load().sorted()) {
                for (VersionRecord version : disk.history()
                        .versionsBefore(state.name(),
                                Long.MAX_VALUE, 10_000)) {
                    judge(state, version, version.getRef().getDigest(), false, wanted, ever);
                    judge(state, version, version.getOptimizerDigest(), true, wanted, ever);
                }
            }
            for (String digest : ever) {
                boolean held = disk.history().hasBlob(digest);
                assertThat(held).isEqualTo(maps.hasBlob(digest));
                assertThat(held || !wanted.contains(digest)).as("blob %s is held", digest).isTrue();
            }
        }

        private void judge(AdapterState state, VersionRecord version, String digest,
                boolean optimizer, Set<String> wanted, Set<String> ever) {
            if (digest.isEmpty()) {
                return;
            }
            long number = version.getRef().getNumber();
            boolean stands = version.getState() == VersionState.VERSION_STATE_COMMITTED;
            boolean named = number == state.head() || stands && number % 5 == 0 || state.aliases()
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
                assertThat(disk.history().blob(digest)).isNotNull();
            }
        }

        /** Every commit applied once more comes to what stands on the disk. */
        private void check() {
            disk.sync();
            disk.close();
            assertThat(StoreCheck.of(folder, (step, done, total) -> {}).damage()).isEmpty();
            disk = RocksCommitLog.open(folder, RETENTION, 1);
        }

        @Override
        public void close() {
            disk.close();
        }
    }
}
