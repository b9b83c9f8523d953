package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.trainer.objective.KtoObjective;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The judged answers of a round, each with one that belongs to another prompt. */
final class Answers {
    /** KTO's own default. */
    private static final double BETA = 0.1;

    private final List<Example> answers = new ArrayList<>();
    private final KtoObjective objective;

    /** @param beta of the loss; 0 for the default */
    Answers(List<Example> examples, double beta) {
        this.objective = new KtoObjective(beta > 0 ? beta : BETA, 1, 1);
        for (Example example : examples) {
            if (example.getKind() == ExampleKind.EXAMPLE_KIND_KTO
                    && example.getOptionsCount() == 1
                    && example.getOptions(0).getIdsCount() > 0) {
                answers.add(example);
            }
        }
    }

    KtoObjective objective() {
        return objective;
    }

    /** Returns the next example with another prompt, in the round's order and around; null if there is none. */
    @Nullable
    Example other(Example example) {
        int at = answers.indexOf(example);
        for (int i = 1; i < answers.size(); i++) {
            Example other = answers.get((at + i) % answers.size());
            if (!other.getPromptIdsList().equals(example.getPromptIdsList())) {
                return other;
            }
        }
        return null;
    }
}
