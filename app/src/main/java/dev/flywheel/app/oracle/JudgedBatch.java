package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.Loss;
import java.util.Arrays;

/** A batch of single answers that were judged, each held against what the base makes of it. */
interface JudgedBatch extends TrainingBatch {
    JudgedAnswers answers();

    /** Returns the loss with its slope by each marked answer's score. */
    Loss loss(JudgedAnswers.Scored scored);

    @Override
    default PackedBatch rows() {
        return answers().rows();
    }

    @Override
    default boolean needsReference() {
        return true;
    }

    @Override
    default Loss loss(double[] logProbs, double[] reference) {
        JudgedAnswers.Scored scored = answers().scored(logProbs, reference);
        Loss loss = loss(scored);
        // Unmarked answers come behind the marked ones and have no slope.
        double[] slopes = Arrays.copyOf(loss.gradient(), scored.scores().length);
        return new Loss(loss.value(), answers().terms().toTargets(slopes));
    }

    @Override
    default void describe(double[] logProbs, double[] reference, ObjectNode into) {
        JudgedAnswers.Scored scored = answers().scored(logProbs, reference);
        int marked = scored.marked().size();
        Actual.add(into.putArray("s"), Arrays.copyOf(scored.scores(), marked));
        Actual.add(into.putArray("s_ref"), Arrays.copyOf(scored.references(), marked));
    }
}
