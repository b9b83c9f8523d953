package dev.flywheel.trainer.lineage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundStoppedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P12: what a trainer made can be made again from its manifests, bit for bit. */
class LineageReplayTest {
    private static final int ROUNDS = 100;

    /** Of the lines that are trained with and without some of their examples. */
    private static final int FEW = 12;

    @TempDir static Path folder;
    private static TestLine line;

    @BeforeAll
    static void trainALine() throws Exception {
        line = TestLine.start(folder, TinyBase.SMALL);
        line.train(ROUNDS);
        line.reject(ROUNDS + 1);
    }

    @AfterAll
    static void close() throws Exception {
        line.close();
    }

    @Test
    void aHundredVersionsAreTheSameBitForBit() {
        List<Long> heard = new ArrayList<>();
        Comparison comparison = compare(source(), 0, ROUNDS, (version, done, all) -> {
            assertThat(done).isEqualTo(heard.size() + 1);
            assertThat(all).isEqualTo(ROUNDS);
            heard.add(version);
        });

        assertThat(comparison.difference()).isNull();
        assertThat(comparison.identical()).isTrue();
        assertThat(comparison.start()).isZero();
        assertThat(comparison.versions()).isEqualTo(ROUNDS);
        assertThat(heard).hasSize(ROUNDS).startsWith(1L, 2L).endsWith((long) ROUNDS);
        assertThat(comparison.last()).isEqualTo(Digests.of(record(ROUNDS)));
        assertThat(comparison.binding()).isEqualTo(line.at.fixture.round.binding());
    }

    @Test
    void itBeginsAtTheNearestVersionWhoseWeightsAndOptimizerStateAreStillKept() {
        Comparison comparison = compare(source(), 93, ROUNDS, LineageListener.NONE);

        assertThat(comparison.start()).isEqualTo(88);
        assertThat(comparison.versions()).isEqualTo(ROUNDS - 88);
        assertThat(comparison.identical()).isTrue();
    }

    /** The trainer had each parent on its device; a state that was read back from blobs gives the same bits. */
    @Test
    void aStateFromBlobsGivesTheSameBitsAsOneThatStayedOnTheDevice() {
        for (long from = 0; from + 1 <= ROUNDS; from += 8) {
            try (Round cold = line.at.fixture.newRound()) {
                Comparison comparison =
                        new LineageReplay(source(), cold, Gate.DEFAULT).compare(
                                range(from, from + 1), LineageListener.NONE, () -> false);
                assertThat(comparison.start()).isEqualTo(from);
                assertThat(comparison.difference()).as("after version %d", from).isNull();
            }
        }
    }

    @Test
    void theFirstVersionThatDiffersIsNamedWithWhatDiffers() {
        Comparison comparison = compare(withManifest(42, LineageReplayTest::relabelled), 0, ROUNDS,
                LineageListener.NONE);

        assertThat(comparison.identical()).isFalse();
        assertThat(comparison.versions()).isEqualTo(42);
        Difference difference = comparison.difference();
        assertThat(difference.version()).isEqualTo(42);
        assertThat(difference.manifestSeq()).isEqualTo(42);
        assertThat(difference.what()).isEqualTo("weights digest");
        assertThat(difference.recorded()).isEqualTo(record(42).getRef().getDigest());
        assertThat(difference.trainedAgain()).isEqualTo(comparison.last().weights());
    }

    @Test
    void optimizerStateAndProbeAreComparedToo() {
        String other = "0".repeat(64);
        assertThat(compare(
                withRecord(3, version -> version.toBuilder().setOptimizerDigest(other).build()), 0,
                5, LineageListener.NONE).difference())
                .isEqualTo(new Difference(3, 3, "optimizer digest", other,
                        record(3).getOptimizerDigest()));
        assertThat(compare(
                withRecord(3, version -> version.toBuilder().setProbeFingerprint(other).build()),
                0, 5, LineageListener.NONE).difference())
                .isEqualTo(new Difference(3, 3, "probe fingerprint", other,
                        record(3).getProbeFingerprint()));
    }

    @Test
    void aRoundOfAnotherDeviceIsRefusedBeforeAnyTrainingNamingBoth() {
        List<Long> trained = new ArrayList<>();
        LineageSource elsewhere =
                withManifest(50, manifest -> manifest.toBuilder()
                        .setBackend("cuda/sm90/3 round/9")
                        .build());
        assertThatThrownBy(
                () -> compare(elsewhere, 0, ROUNDS, (version, done, all) -> trained.add(version)))
                .isInstanceOf(LineageException.class)
                .hasMessageContaining("version 50 of " + TestLine.ADAPTER)
                .hasMessageContaining("'cuda/sm90/3 round/9'")
                .hasMessageContaining("'" + line.at.fixture.round.binding() + "'")
                .extracting(refused -> ((LineageException) refused).code())
                .isEqualTo(LineageException.Code.OTHER_BACKEND);
        assertThat(trained).isEmpty();
    }

    @Test
    void aRangeThatCannotBeTrainedAgainIsRefusedByName() {
        String other = "1".repeat(64);
        refuses(LineageException.Code.OTHER_BASE, other,
                withManifest(2,
                        manifest -> manifest.toBuilder().setBaseDigest(other).build()));
        refuses(LineageException.Code.BROKEN, "has parent's digest " + other,
                withManifest(2,
                        manifest -> manifest.toBuilder().setParentDigest(other).build()));
        refuses(LineageException.Code.NOT_AN_ANCESTOR, "version 4 of news/ranker is no ancestor",
                withRecord(6, version -> version.toBuilder().setParent(3).build()));
        refuses(LineageException.Code.BROKEN, "version 6 of news/ranker has version 6 as its",
                withRecord(6, version -> version.toBuilder().setParent(6).build()));
        refuses(LineageException.Code.NOT_KEPT, "manifest 5, which made version 5",
                new Altered(source()) {
                    @Override
                    public Manifest manifest(String adapter, long seq) {
                        return seq == 5 ? null : super.manifest(adapter, seq);
                    }
                });
        refuses(LineageException.Code.NOT_KEPT, "no ancestor of version 4", new Altered(source()) {
            @Override
            public byte[] blob(String digest) {
                return null;
            }
        });
        refuses(LineageException.Code.BROKEN, "holds bytes of digest", new Altered(source()) {
            @Override
            public byte[] blob(String digest) {
                return new byte[] {1};
            }
        });
        assertThatThrownBy(() -> compare(source(), 0, ROUNDS + 1, LineageListener.NONE))
                .hasMessage("there is no version 101 of news/ranker");
    }

    private static void refuses(LineageException.Code code, String message, LineageSource from) {
        assertThatThrownBy(() -> compare(from, 4, 6, LineageListener.NONE))
                .hasMessageContaining(message)
                .extracting(refused -> ((LineageException) refused).code())
                .isEqualTo(code);
    }

    @Test
    void itStopsWhenItIsTold() {
        try (Round round = line.at.fixture.newRound()) {
            LineageReplay replay = new LineageReplay(source(), round, Gate.DEFAULT);
            assertThatThrownBy(
                    () -> replay.compare(range(0, 5), LineageListener.NONE, () -> true))
                    .isInstanceOf(RoundStoppedException.class);
        }
    }

    /** The certificate of a forgetting: the same digests as of a line that never had the user's examples. */
    @Test
    void aLineWithoutAUserIsTheOneThatATrainerMakesWithoutTheUsersExamples() {
        line.train("news/whole", FEW, Set.of(), Set.of());
        line.train("news/forgot", FEW, Set.of("u1"), Set.of());

        Retrained retrained =
                without("news/whole", 0, ExampleFilter.withoutUsers(Set.of("u1")));

        assertThat(retrained.rounds()).hasSize(FEW)
                .allSatisfy(round -> assertThat(round.end())
                        .isEqualTo(new Retrained.Made(
                                Digests.of(record("news/forgot", round.instead())))));
        assertThat(retrained.rounds()).anySatisfy(round -> assertThat(round.left()).isPositive());
        assertThat(retrained.last()).isEqualTo(Digests.of(record("news/forgot", FEW)));
        assertThat(retrained.last()).isNotEqualTo(Digests.of(record("news/whole", FEW)));
    }

    /** One that was claimed by a manifest which is left out comes back by no other. */
    @Test
    void aLineWithoutARoundIsTheOneThatATrainerMakesWithoutIt() {
        line.train("news/guilty", FEW, Set.of(), Set.of());
        line.train("news/innocent", FEW, Set.of(), Set.of(5L));

        Retrained retrained =
                without("news/guilty", 3, ExampleFilter.withoutManifests(Set.of(5L)));

        assertThat(retrained.rounds()).hasSize(FEW - 3);
        assertThat(retrained.rounds().get(1).end()).isEqualTo(new Retrained.Emptied());
        assertThat(retrained.rounds().get(1).instead()).isEqualTo(5);
        assertThat(retrained.last()).isEqualTo(Digests.of(record("news/innocent", FEW - 1)));
    }

    @Test
    void whatIsLeftOutWhereItWasClaimedIsLeftOutWhereItIsReplayed() {
        Selection selection = new Selection(ExampleFilter.withoutManifests(Set.of(1L)));
        Manifest first = line.at.store.getManifest(TestLine.ADAPTER, 1);
        Manifest second =
                line.at.store.getManifest(TestLine.ADAPTER, 2)
                        .toBuilder()
                        .clearReplayed()
                        .addReplayed(first.getExamples(0))
                        .build();

        assertThat(selection.of(first).getExamplesList()).isEmpty();
        assertThat(selection.of(second).getReplayedList()).isEmpty();
        assertThat(selection.of(second).getExamplesList()).isEqualTo(second.getExamplesList());
    }

    private static Retrained without(String adapter, long from, ExampleFilter filter) {
        try (Round round = line.at.fixture.newRound()) {
            return new LineageReplay(source(), round, Gate.DEFAULT).without(
                    new LineageRange(adapter, from, FEW), filter, LineageListener.NONE,
                    () -> false);
        }
    }

    private static Comparison compare(
            LineageSource from, long first, long last, LineageListener listener) {
        try (Round round = line.at.fixture.newRound()) {
            return new LineageReplay(from, round, Gate.DEFAULT).compare(
                    range(first, last), listener, () -> false);
        }
    }

    private static LineageRange range(long from, long to) {
        return new LineageRange(TestLine.ADAPTER, from, to);
    }

    private static LineageSource source() {
        return new StoredLineage(line.at.store);
    }

    private static VersionRecord record(long number) {
        return record(TestLine.ADAPTER, number);
    }

    private static VersionRecord record(String adapter, long number) {
        return line.at.store.getVersion(adapter, number);
    }

    private static Manifest relabelled(Manifest manifest) {
        Manifest.Builder other = manifest.toBuilder();
        double label = other.getExamples(0).getOptions(0).getLabel();
        other.getExamplesBuilder(0).getOptionsBuilder(0).setLabel(label == 1 ? 0 : 1);
        return other.build();
    }

    private static LineageSource withManifest(long seq, UnaryOperator<Manifest> change) {
        return new Altered(source()) {
            @Override
            public Manifest manifest(String adapter, long asked) {
                Manifest manifest = super.manifest(adapter, asked);
                return asked == seq ? change.apply(manifest) : manifest;
            }
        };
    }

    private static LineageSource withRecord(long number, UnaryOperator<VersionRecord> change) {
        return new Altered(source()) {
            @Override
            public VersionRecord version(String adapter, long asked) {
                VersionRecord version = super.version(adapter, asked);
                return asked == number ? change.apply(version) : version;
            }
        };
    }
}
