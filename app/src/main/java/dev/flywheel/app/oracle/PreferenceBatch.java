package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.PreferenceObjective;
import dev.flywheel.trainer.objective.ScoredPair;
import java.util.ArrayList;
import java.util.List;

/**
 * Pairs of answers, of which one was preferred.
 *
 * @param terms the answers' scores, of each pair the chosen one first
 */
record PreferenceBatch(
        PackedBatch rows,
        OptionTerms terms,
        double[] weights,
        PreferenceObjective objective)
        implements
            TrainingBatch {
    static PreferenceBatch of(JsonNode batch, PreferenceObjective objective) {
        AnswerLayout layout = new AnswerLayout();
        List<Double> weights = new ArrayList<>();
        for (JsonNode example : Entries.objects(batch, "examples")) {
            int prompt = layout.prompt(example.path("prompt"));
            layout.answer(prompt, example.path("chosen"));
            layout.answer(prompt, example.path("rejected"));
            weights.add(TrainingBatch.weight(example));
        }
        return new PreferenceBatch(
                layout.rows(), layout.terms(),
                weights.stream().mapToDouble(Double::doubleValue).toArray(), objective);
    }

    @Override
    public boolean needsReference() {
        return true;
    }

    @Override
    public Loss loss(double[] logProbs, double[] reference) {
        double[] s = terms.scores(logProbs);
        double[] ref = terms.scores(reference);
        List<ScoredPair> pairs = new ArrayList<>();
        for (int i = 0; i < weights.length; i++) {
            pairs.add(
                    new ScoredPair(
                            s[2 * i], s[2 * i + 1], ref[2 * i], ref[2 * i + 1], weights[i]));
        }
        Loss loss = objective.loss(pairs);
        return new Loss(loss.value(), terms.toTargets(loss.gradient()));
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        double[] s = terms.scores(logProbs);
        double[] ref = terms.scores(reference);
        Actual.add(into.putArray("s_chosen"), everySecond(s, 0));
        Actual.add(into.putArray("s_rejected"), everySecond(s, 1));
        Actual.add(into.putArray("s_ref_chosen"), everySecond(ref, 0));
        Actual.add(into.putArray("s_ref_rejected"), everySecond(ref, 1));
    }

    private static double[] everySecond(double[] values, int from) {
        double[] some = new double[values.length / 2];
        for (int i = 0; i < some.length; i++) {
            some[i] = values[2 * i + from];
        }
        return some;
    }
}
