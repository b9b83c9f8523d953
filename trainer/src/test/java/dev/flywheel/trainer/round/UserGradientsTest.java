package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trimmed mean over users, in rounds and by itself. */
class UserGradientsTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");
    private static final RoundSettings SETTINGS =
            RoundFixture.SETTINGS.toBuilder().setKlWeight(0).setSteps(6).build();
    private static final RoundSettings TRIMMED =
            SETTINGS.toBuilder().setTrimShare(0.2).build();

    @TempDir Path folder;
    private RoundFixture fixture;
    private Parent start;

    @BeforeEach
    void load() {
        fixture = new RoundFixture(folder, "reference", TinyBase.SMALL, 2);
        start = fixture.startParent(RoundFixture.LORA);
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void usersTooFewToCutAnyGiveThePlainMean() {
        List<Example> four = users(4, 0);
        assertThat(fixture.run(start, four, TRIMMED).weightsBytes())
                .isEqualTo(fixture.run(start, four, SETTINGS).weightsBytes());
    }

    @Test
    void usersWhoAllSayTheSameLoseNothingByIt() {
        List<Example> same = users(5, 0);
        RoundSettings once = SETTINGS.toBuilder().setSteps(1).build();
        double plain = fixture.run(start, same, once).figures().getGradientNorm();
        double trimmed =
                fixture.run(start, same, once.toBuilder().setTrimShare(0.2).build())
                        .figures()
                        .getGradientNorm();
        assertThat(trimmed).isCloseTo(plain, within(1e-5 * plain));
    }

    @Test
    void oneUserAgainstTheOthersIsCutOff() {
        List<Example> examples = users(9, 0);
        Example.Builder loud =
                fixture.slate("z", "loud", "reads", TEXTS, 2).toBuilder().setWeight(50);
        examples.add(loud.build());
        double plain = lossOfTheOthers(fixture.run(start, examples, SETTINGS));
        double trimmed = lossOfTheOthers(fixture.run(start, examples, TRIMMED));
        double alone = lossOfTheOthers(fixture.run(start, users(9, 0), SETTINGS));
        assertThat(trimmed).isCloseTo(alone, within(0.05));
        assertThat(plain).isGreaterThan(trimmed + 1);
    }

    @Test
    void aTrustedUsersCorrectionIsLearnedAllTheSame() {
        List<Example> examples = users(9, 0);
        examples.add(fixture.correction("z", "capital of France?", "Paris"));
        RoundSettings settings =
                TRIMMED.toBuilder().setSteps(1).setSftTargetLoss(0.1).setSftStepsMax(60).build();
        RoundResult result = fixture.run(start, examples, settings);
        Example correction = examples.getLast();
        assertThat(loss(fixture.parent(RoundFixture.LORA, result), correction))
                .isLessThanOrEqualTo(0.1);
    }

    @Test
    void usersBeyondTheHostsMemoryShareAPlaceAndKeepTheirSay() {
        try (TrainingPass pass =
                new TrainingPass(fixture.base, new DeviceLoop(1, () -> 0), 16);
                TrainableAdapter adapter =
                        TrainableAdapter.of(fixture.base, fixture.start(RoundFixture.LORA), null)) {
            UserGradients gradients =
                    new UserGradients(pass, adapter, 0.2, 3 * 4 * adapter.elements());
            int users = 9;
            for (int user = 0; user < users; user++) {
                adapter.setAccumulated(constant(adapter, user == 4 ? 1e6f : 1));
                gradients.take();
            }
            gradients.finish(users);
            assertThat(adapter.takeAccumulated().getFirst()).containsOnly(1);
        }
    }

    private static List<float[]> constant(TrainableAdapter adapter, float value) {
        List<float[]> tensors = adapter.takeAccumulated();
        tensors.forEach(tensor -> Arrays.fill(tensor, value));
        return tensors;
    }

    private List<Example> users(int count, int chosen) {
        List<Example> examples = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            examples.add(fixture.slate("s" + n, "user" + n, "reads", TEXTS, chosen));
        }
        return examples;
    }

    private double lossOfTheOthers(RoundResult result) {
        return loss(fixture.parent(RoundFixture.LORA, result), users(1, 0).getFirst());
    }

    private double loss(Parent parent, Example example) {
        return fixture.run(parent, List.of(example), SETTINGS).figures().getLossBefore();
    }
}
