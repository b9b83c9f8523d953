package dev.flywheel.app.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class LearnedAnswersTest {
    private static final long SEED = 12;

    @Test
    void anAnswerIsPredictedBeforeItIsLearnedAndAfterThoseBeforeIt() {
        Path folder = BuiltInBase.folder();
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel model = BaseModel.load(folder, backend);
                Tokenizer tokenizer = Tokenizer.load(folder)) {
            LearnedAnswers drawn = LearnedAnswers.draw(tokenizer, 2, SEED);
            LearnedAnswers first = new LearnedAnswers(drawn.examples().subList(0, 1));
            double unlearned = first.logLossUnlearned(model);
            assertThat(first.prequentialLogLoss(model, SEED)).isEqualTo(unlearned, within(1e-6));

            LearnedAnswers again = new LearnedAnswers(
                    List.of(first.examples().getFirst(), first.examples().getFirst()));
            double second = 2 * again.prequentialLogLoss(model, SEED) - unlearned;
            assertThat(second).as("seed %d: what it costs once learned", SEED)
                    .isLessThan(unlearned - 0.1);
        }
    }

    @Test
    void aSeedFixesTheAnswers() {
        try (Tokenizer tokenizer = Tokenizer.load(BuiltInBase.folder())) {
            LearnedAnswers drawn = LearnedAnswers.draw(tokenizer, 20, SEED);
            assertThat(texts(drawn)).isEqualTo(texts(LearnedAnswers.draw(tokenizer, 20, SEED)))
                    .isNotEqualTo(texts(LearnedAnswers.draw(tokenizer, 20, SEED + 1)));
        }
    }

    private static List<List<Integer>> texts(LearnedAnswers drawn) {
        return drawn.examples()
                .stream()
                .map(example -> Arrays.stream(example.tokens()).boxed().toList())
                .toList();
    }
}
