package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.trainer.objective.KtoObjective;
import dev.flywheel.trainer.objective.Loss;

/** Answers marked good or bad, and unrelated ones that tell how far the adapter has moved. */
record KtoBatch(JudgedAnswers answers, KtoObjective objective) implements JudgedBatch {
    static KtoBatch of(JsonNode batch, KtoObjective objective) {
        Entries.objects(batch, "kl_examples");
        return new KtoBatch(
                JudgedAnswers.of(batch, example -> {
                    if (!example.path("desirable").isBoolean()) {
                        throw new BadCaseException("desirable must be true or false");
                    }
                    return example.path("desirable").booleanValue();
                }), objective);
    }

    @Override
    public Loss loss(JudgedAnswers.Scored scored) {
        return objective.loss(scored.marked(), referencePoint(scored));
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        JudgedBatch.super.describe(logProbs, reference, into);
        into.put("z0", referencePoint(answers.scored(logProbs, reference)));
    }

    private static double referencePoint(JudgedAnswers.Scored scored) {
        return KtoObjective.referencePoint(
                scored.unmarked(scored.scores()), scored.unmarked(scored.references()));
    }
}
