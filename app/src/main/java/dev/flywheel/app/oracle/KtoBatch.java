package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.KtoObjective;
import dev.flywheel.trainer.objective.Loss;
import java.util.Arrays;

/** Answers marked good or bad, and unrelated ones that tell how far the adapter has moved. */
record KtoBatch(JudgedAnswers answers, KtoObjective objective) implements TrainingBatch {
    static KtoBatch of(JsonNode batch, KtoObjective objective) {
        OracleCase.list(batch, "kl_examples");
        return new KtoBatch(
                JudgedAnswers.of(batch, example -> {
                    if (!example.path("desirable").isBoolean()) {
                        throw new BadCaseException("desirable must be true or false");
                    }
                    return example.path("desirable").booleanValue();
                }), objective);
    }

    @Override
    public PackedBatch rows() {
        return answers.rows();
    }

    @Override
    public boolean needsReference() {
        return true;
    }

    @Override
    public Loss loss(double[] logProbs, double[] reference) {
        double[] s = answers.terms().scores(logProbs);
        double[] ref = answers.terms().scores(reference);
        Loss loss = objective.loss(answers.scored(s, ref), referencePoint(s, ref));
        // No slope through the reference point: the unmarked answers behind the marked get none.
        return new Loss(
                loss.value(), answers.terms().toTargets(Arrays.copyOf(loss.gradient(), s.length)));
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        double[] s = answers.terms().scores(logProbs);
        double[] ref = answers.terms().scores(reference);
        int marked = answers.marked().size();
        Actual.add(into.putArray("s"), Arrays.copyOf(s, marked));
        Actual.add(into.putArray("s_ref"), Arrays.copyOf(ref, marked));
        into.put("z0", referencePoint(s, ref));
    }

    private double referencePoint(double[] scores, double[] references) {
        int marked = answers.marked().size();
        return KtoObjective.referencePoint(
                Arrays.copyOfRange(scores, marked, scores.length),
                Arrays.copyOfRange(references, marked, references.length));
    }
}
