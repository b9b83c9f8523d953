package dev.flywheel.trainer.lineage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.trainer.round.RoundFixture;
import dev.flywheel.trainer.server.Loopback;
import dev.flywheel.trainer.server.RoundListener;
import dev.flywheel.trainer.server.TrainerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A line of versions that a real trainer made on a real store, of examples of every kind. */
final class TestLine implements AutoCloseable {
    static final String ADAPTER = Loopback.ADAPTER;
    static final String FORGETFUL = "news/forgetful";

    static final RoundSettings SETTINGS =
            RoundFixture.SETTINGS.toBuilder()
                    .setSftTargetLoss(0.3)
                    .setSftStepsMax(6)
                    .setAnchorWeight(0.2)
                    .setAnchorsPerStep(3)
                    .setEditWeight(2)
                    .setReplayShare(0.5)
                    .setReplayManifests(6)
                    .setTrimShare(0.2)
                    .setWeightDecay(1e-3)
                    .build();

    private static final int ANCHORS = 12;
    private static final int SNAPSHOT_EVERY = 8;
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");

    /** Longer than a trainer's rows: it ends untrainable. */
    private static final String ENDLESS = "x".repeat(600);

    final Loopback at;

    private TestLine(Loopback at) {
        this.at = at;
    }

    /** Makes an empty store beside a base; versions that are no multiple of eight soon lose their state. */
    static TestLine start(Path folder, TinyBase size) throws IOException {
        Backend backend = new CpuBackend(1, Long.MAX_VALUE >> 1);
        RoundFixture fixture = base(folder, backend, size);
        StoreSettings keeping =
                new StoreSettings(
                        new Retention(5, SNAPSHOT_EVERY, Duration.ofHours(1), Duration.ofDays(90)),
                        Limits.DEFAULT);
        return new TestLine(new Loopback(fixture, folder, keeping, SETTINGS,
                TrainerSettings.of("t1", 512, 8), RoundListener.NONE));
    }

    /** The same base in a folder of its own, on a backend that is closed with it. */
    static RoundFixture base(Path folder, Backend backend, TinyBase size) throws IOException {
        return new RoundFixture(
                Files.createTempDirectory(folder, "base"), backend, size, ANCHORS);
    }

    /** Trains rounds of every kind of example, of a few users; each fifth holds one that cannot be trained. */
    void train(int rounds) {
        for (int seq = 1; seq <= rounds; seq++) {
            List<Example> examples = examples(ADAPTER, seq);
            if (seq % 5 == 0) {
                examples.add(example(ADAPTER, seq, 9,
                        at.fixture.correction("", "teach", ENDLESS)));
            }
            assertThat(at.round(ADAPTER, seq, examples)).isEqualTo(Outcome.OUTCOME_COMMITTED);
        }
    }

    /** A round of which nothing can be trained: it never comes onto the line. */
    void reject(long seq) {
        Example endless =
                example(ADAPTER, seq, 9, at.fixture.correction("", "teach", ENDLESS));
        assertThat(at.round(ADAPTER, seq, List.of(endless)))
                .isEqualTo(Outcome.OUTCOME_REJECTED);
    }

    /** Trains rounds that replay nothing, without the examples of some users and without some rounds. */
    void train(String adapter, int rounds, Set<String> withoutUsers, Set<Long> withoutRounds) {
        at.create(adapter, SETTINGS.toBuilder().setReplayShare(0).build());
        for (int seq = 1; seq <= rounds; seq++) {
            List<Example> examples = examples(adapter, seq);
            examples.removeIf(example -> withoutUsers.contains(example.getUser()));
            if (!withoutRounds.contains((long) seq)) {
                assertThat(at.round(adapter, seq, examples))
                        .isEqualTo(Outcome.OUTCOME_COMMITTED);
            }
        }
    }

    /** Three or four examples, of kinds that change from round to round. */
    private List<Example> examples(String adapter, int seq) {
        RoundFixture on = at.fixture;
        String prompt = "question " + seq % 7;
        List<Example> kinds = List.of(
                on.slate("", "u0", "sport " + seq, TEXTS, seq % 3),
                on.correction("", prompt, "a" + seq),
                on.thumb("", prompt, "b" + seq, seq % 2 == 0),
                on.preference("", prompt, "c" + seq, "d"),
                on.verdicts("", "u1", "news " + seq, TEXTS, seq % 2),
                on.decision("", "films " + seq, TEXTS, seq % 3, 0.5));
        List<Example> examples = new ArrayList<>();
        for (int k = 0; k < 3 + seq % 2; k++) {
            examples.add(example(adapter, seq, k, kinds.get((seq + k) % kinds.size())));
        }
        // Of a user of its own, so that no round is empty without the others.
        examples.add(example(adapter, seq, 8, on.slate("", "u8", "sea " + seq, TEXTS, 0)));
        return examples;
    }

    /** Ids order a round's examples: those of two adapters must be in the same order, and yet differ. */
    private static Example example(String adapter, long seq, int k, Example example) {
        String order = "%08x%08x".formatted(seq, k);
        String id = order + Digest.of(adapter).hex().substring(order.length());
        String user = example.getUser().startsWith("u") ? "u" + k % 3 : example.getUser();
        return example.toBuilder()
                .setExampleId(id)
                .setImpressionId(adapter + "-" + seq + "-" + k)
                .setUser(k == 8 ? "u8" : user)
                .build();
    }

    @Override
    public void close() throws Exception {
        at.close();
    }
}
