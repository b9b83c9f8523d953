package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoundTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");

    private static final List<String> ANSWERS = List.of("Paris", "Rome");
    private static final RoundSettings THUMBS =
            RoundFixture.SETTINGS.toBuilder().setSteps(20).build();

    @TempDir Path folder;
    private RoundFixture fixture;

    @BeforeEach
    void load() {
        fixture = new RoundFixture(folder, "reference", TinyBase.SMALL, 12);
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void sameInputsGiveTheSameBytesWhateverTheOrderOfTheExamples() {
        List<Example> examples = mixed();
        RoundSettings settings = withTexts(RoundFixture.SETTINGS);
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundResult first = fixture.run(start, examples, settings);
        List<Example> shuffled = new ArrayList<>(examples);
        Collections.reverse(shuffled);
        Round another = fixture.newRound();
        RoundResult second =
                another.run(new RoundInput(start, shuffled, 7, settings), () -> false);
        another.close();
        assertThat(second.weightsBytes()).isEqualTo(first.weightsBytes());
        assertThat(second.optimizerBytes()).isEqualTo(first.optimizerBytes());
        assertThat(second.probeFingerprint()).isEqualTo(first.probeFingerprint());
    }

    @Test
    void aRoundIsBoundToHowItsBaseIsHeld() {
        try (BaseModel four =
                BaseModel.load(fixture.folder, fixture.backend, WeightFormat.Q4);
                Round quantized =
                        new Round(
                                four, fixture.tokenizer, fixture.anchors,
                                new DeviceLoop(1, System::nanoTime), new RoundLimits(512, 8),
                                System::nanoTime)) {
            assertThat(quantized.binding())
                    .isEqualTo(fixture.round.binding() + " weights/" + WeightFormat.Q4.identity());
            assertThat(quantized.baseDigest()).isNotEqualTo(fixture.round.baseDigest());
        }
    }

    @Test
    void anotherSeedDrawsOtherAnchorsAndGivesOtherBytes() {
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundSettings settings = withTexts(RoundFixture.SETTINGS);
        RoundResult first = fixture.run(start, mixed(), settings);
        RoundResult other =
                fixture.round.run(new RoundInput(start, mixed(), 8, settings), () -> false);
        assertThat(other.weightsBytes()).isNotEqualTo(first.weightsBytes());
    }

    @Test
    void theCacheOnTheDeviceChangesNoBit() {
        RoundSettings settings = withTexts(RoundFixture.SETTINGS);
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundResult first = fixture.run(start, mixed(), settings);
        Parent parent = fixture.parent(RoundFixture.LORA, first);
        assertThat(fixture.fetched).hasValue(1);
        RoundResult cached = fixture.run(parent, slates(3), settings);
        assertThat(fixture.fetched).hasValue(1);
        Round cold = fixture.newRound();
        RoundResult fetched =
                cold.run(new RoundInput(parent, slates(3), 7, settings), () -> false);
        cold.close();
        assertThat(fixture.fetched).hasValue(2);
        assertThat(cached.weightsBytes()).isEqualTo(fetched.weightsBytes());
        assertThat(cached.optimizerBytes()).isEqualTo(fetched.optimizerBytes());
        assertThat(cached.probeFingerprint()).isEqualTo(fetched.probeFingerprint());
        assertThat(cached.evidence()).isEqualTo(fetched.evidence());
    }

    @Test
    void learnsAPreferenceThatDependsOnTheContext() {
        Parent parent = fixture.startParent(RoundFixture.LORA);
        RoundResult result = null;
        for (int n = 0; n < 25; n++) {
            result = fixture.run(parent, tastes(), RoundFixture.SETTINGS);
            parent = fixture.parent(RoundFixture.LORA, result);
        }
        assertThat(result.figures().getLossAfter()).isLessThan(0.4);
        assertThat(result.figures().getLossBefore()).isLessThan(0.5);
        assertThat(result.evidence().effect()).isPositive();
        assertThat(fixture.fetched).hasValue(1);
    }

    @Test
    void repeatsACorrectionUntilItIsLearned() {
        RoundSettings settings = withTexts(RoundFixture.SETTINGS);
        Example correction = fixture.correction("a", "capital of France?", "Paris");
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA), List.of(correction), settings);
        assertThat(result.figures().getLossBefore()).isGreaterThan(3);
        assertThat(result.figures().getLossAfter()).isLessThanOrEqualTo(0.1);
    }

    @Test
    void aThumbMovesItsAnswerTheWayItPoints() {
        for (boolean up : new boolean[] {true, false}) {
            Example thumb = fixture.thumb("a", "capital of France?", "Paris", up);
            Example turned = fixture.thumb("b", "capital of France?", "Paris", !up);
            Parent start = fixture.startParent(RoundFixture.LORA);
            RoundResult result = fixture.run(start, List.of(thumb), THUMBS);
            Parent learned = fixture.parent(RoundFixture.LORA, result);

            assertThat(result.figures().getLossBefore())
                    .as("of an answer as probable as the base finds it")
                    .isEqualTo(0.5);
            assertThat(result.figures().getLossAfter()).isLessThan(0.45);
            assertThat(lossBefore(learned, List.of(turned))).isGreaterThan(0.55);
            // Judged by another loss, which knows nothing of thumbs: is the answer likelier than it was?
            Example came = fixture.continuations("c", "capital of France?", ANSWERS, 0);
            double change = lossBefore(learned, List.of(came)) - lossBefore(start, List.of(came));
            assertThat(up ? -change : change).as("thumb %s", up ? "up" : "down").isPositive();
        }
    }

    @Test
    void whatMovesAnswersOfOtherPromptsTooIsNoMerit() {
        Example first = fixture.thumb("a", "capital of France?", "Paris", true);
        Example second = fixture.thumb("b", "largest sea?", "Paris", true);
        Parent learned = fixture.parent(RoundFixture.LORA,
                fixture.run(fixture.startParent(RoundFixture.LORA), List.of(first, second),
                        THUMBS));

        double apart =
                (lossBefore(learned, List.of(first)) + lossBefore(learned, List.of(second))) / 2;
        assertThat(lossBefore(learned, List.of(first, second))).isGreaterThan(apart + 0.02);
    }

    private double lossBefore(Parent parent, List<Example> examples) {
        return fixture.run(parent, examples, RoundFixture.SETTINGS).figures().getLossBefore();
    }

    @Test
    void anchorsHoldTheAdapterNearTheBase() {
        Example correction = fixture.correction("a", "capital of France?", "Paris");
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundSettings settings = withTexts(RoundFixture.SETTINGS);
        RoundResult held = fixture.run(start, List.of(correction), settings);
        RoundResult free =
                fixture.run(
                        start,
                        List.of(correction),
                        settings.toBuilder().setAnchorWeight(0).build());
        assertThat(held.evidence().divergence()).isLessThan(free.evidence().divergence());
    }

    @Test
    void learnsWhichContinuationCameTrue() {
        Example example = fixture.continuations("a", "liked?", List.of(" yes", " no"), 1);
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA),
                        List.of(example),
                        RoundFixture.SETTINGS.toBuilder().setSteps(10).build());
        assertThat(result.figures().getLossAfter())
                .isLessThan(result.figures().getLossBefore() - 0.5);
    }

    @Test
    void oneUserWithManyExamplesWeighsAsMuchAsOneWithASingleOne() {
        List<Example> many = new ArrayList<>();
        many.add(fixture.slate("z", "quiet", "reads", TEXTS, 0));
        many.add(fixture.slate("a0", "loud", "reads", TEXTS, 1));
        RoundSettings plain = RoundFixture.SETTINGS.toBuilder().setGradientClip(0).build();
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundResult once = fixture.run(start, many, plain);
        for (int n = 1; n < 8; n++) {
            many.add(fixture.slate("a" + n, "loud", "reads", TEXTS, 1));
        }
        RoundResult often = fixture.run(start, many, plain);
        assertThat(often.figures().getGradientNorm())
                .isCloseTo(once.figures().getGradientNorm(), within(1e-5));
    }

    @Test
    void clipsEachExampleOnItsOwn() {
        Example heavy = fixture.slate("a", "u", "reads", TEXTS, 0);
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA),
                        List.of(heavy),
                        RoundFixture.SETTINGS.toBuilder().setGradientClip(1e-3).build());
        assertThat(result.figures().getGradientNorm()).isCloseTo(1e-3, within(1e-6));
    }

    @Test
    void leavesOutAndNamesWhatCannotBeTrained() {
        Example fine = fixture.slate("a", "u", "reads", TEXTS, 0);
        Example weightless = fine.toBuilder().setExampleId("b").setWeight(0).build();
        Example alien =
                fine.toBuilder()
                        .setExampleId("c")
                        .addPromptIds(fixture.base.spec().vocabSize())
                        .build();
        Example empty = fine.toBuilder().setExampleId("d").clearOptions().build();
        Example.Builder sideways = fixture.thumb("e", "reads", "opera", true).toBuilder();
        sideways.getOptionsBuilder(0).setLabel(0.5);
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA),
                        List.of(sideways.build(), empty, alien, weightless, fine),
                        RoundFixture.SETTINGS);
        assertThat(result.figures().getExamples()).isEqualTo(1);
        assertThat(result.untrainable()).extracting(Untrainable::exampleId)
                .containsExactly("b", "c", "d", "e");
        assertThat(result.untrainable()).extracting(Untrainable::reason)
                .containsExactly(
                        UntrainableReason.UNTRAINABLE_REASON_MALFORMED,
                        UntrainableReason.UNTRAINABLE_REASON_UNKNOWN_TOKEN,
                        UntrainableReason.UNTRAINABLE_REASON_MALFORMED,
                        UntrainableReason.UNTRAINABLE_REASON_MALFORMED);
        assertThat(result.untrainable().get(1).detail()).contains("outside the model's vocabulary");
    }

    @Test
    void aPromptThatDoesNotFitLosesItsBeginning() {
        Example example = fixture.slate("a", "u", "x".repeat(3000) + "reads", TEXTS, 0);
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA),
                        List.of(example),
                        RoundFixture.SETTINGS);
        assertThat(result.untrainable()).isEmpty();
        assertThat(result.evidence().finite()).isTrue();
    }

    @Test
    void stopsBetweenTwoExamplesAndForgetsWhatItHadBegun() {
        Parent start = fixture.startParent(RoundFixture.LORA);
        AtomicInteger asked = new AtomicInteger();
        RoundInput input = new RoundInput(start, slates(6), 7, RoundFixture.SETTINGS);
        assertThatThrownBy(() -> fixture.round.run(input, () -> asked.incrementAndGet() > 3))
                .isInstanceOf(RoundStoppedException.class);
        RoundResult again = fixture.run(start, slates(6), RoundFixture.SETTINGS);
        Round fresh = fixture.newRound();
        assertThat(again.weightsBytes())
                .isEqualTo(fresh.run(input, () -> false).weightsBytes());
        fresh.close();
    }

    @Test
    void aRoundOfNothingTrainableHasNoEffect() {
        Example weightless =
                fixture.slate("b", "u", "reads", TEXTS, 0).toBuilder().setWeight(0).build();
        RoundResult result =
                fixture.run(
                        fixture.startParent(RoundFixture.LORA),
                        List.of(weightless),
                        RoundFixture.SETTINGS);
        assertThat(result.evidence().effect()).isZero();
        assertThat(result.figures().getExamples()).isZero();
    }

    @Test
    void refusesAParentOfAnotherBase() {
        LoraWeights start = fixture.start(RoundFixture.LORA);
        LoraWeights alien =
                new LoraWeights(
                        start.config(),
                        new TreeMap<>(
                                Map.of(
                                        "model.layers.9.mlp.up_proj",
                                        start.pairs().firstEntry().getValue())));
        Parent parent = new Parent("x", "", () -> new Parent.Content(alien, null));
        assertThatThrownBy(() -> fixture.run(parent, slates(1), RoundFixture.SETTINGS))
                .isInstanceOf(UnfitParentException.class);
    }

    private List<Example> slates(int count) {
        List<Example> slates = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            slates.add(fixture.slate("s" + n, "user" + n % 3, "reader " + n % 2, TEXTS, n % 3));
        }
        return slates;
    }

    /** Readers of sport like tennis, readers of music like opera; nobody likes soup. */
    private List<Example> tastes() {
        return List.of(
                fixture.slate("s1", "u1", "sport", TEXTS, 0),
                fixture.slate("s2", "u2", "music", TEXTS, 1),
                fixture.slate("s3", "u3", "sport", List.of("soup", "opera", "tennis"), 2),
                fixture.slate("s4", "u4", "music", List.of("opera", "tennis", "soup"), 0));
    }

    private List<Example> mixed() {
        List<Example> examples = new ArrayList<>(slates(4));
        examples.add(fixture.slate("silent", "user1", "reader 3", TEXTS, -1));
        examples.add(fixture.correction("text", "capital of France?", "Paris"));
        examples.add(fixture.continuations("score", "liked?", List.of(" yes", " no"), 0));
        return examples;
    }

    private static RoundSettings withTexts(RoundSettings settings) {
        return settings.toBuilder()
                .setSftTargetLoss(0.1)
                .setSftStepsMax(60)
                .setAnchorWeight(1)
                .setAnchorsPerStep(4)
                .build();
    }
}
