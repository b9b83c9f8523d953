package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BinaryObjective;
import dev.flywheel.trainer.objective.Loss;

/** Answers labelled +1 or -1. */
record BinaryBatch(JudgedAnswers answers, BinaryObjective objective) implements TrainingBatch {
    static BinaryBatch of(JsonNode batch, BinaryObjective objective) {
        return new BinaryBatch(
                JudgedAnswers.of(batch, example -> {
                    double label = OracleCase.number(example, "example", "label");
                    if (Math.abs(label) != 1) {
                        throw new BadCaseException("label is " + label + ", expected 1 or -1");
                    }
                    return label > 0;
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
        Loss loss = objective.loss(answers.scored(s, answers.terms().scores(reference)));
        return new Loss(loss.value(), answers.terms().toTargets(loss.gradient()));
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        Actual.add(into.putArray("s"), answers.terms().scores(logProbs));
        Actual.add(into.putArray("s_ref"), answers.terms().scores(reference));
    }
}
