package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.trainer.objective.BinaryObjective;
import dev.flywheel.trainer.objective.Loss;

/** Answers labelled +1 or -1. */
record BinaryBatch(JudgedAnswers answers, BinaryObjective objective) implements JudgedBatch {
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
    public Loss loss(JudgedAnswers.Scored scored) {
        return objective.loss(scored.marked());
    }
}
