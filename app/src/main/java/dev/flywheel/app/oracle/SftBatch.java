package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.SftObjective;
import java.util.ArrayList;
import java.util.List;

/** Texts of which some tokens are to become likelier. */
record SftBatch(PackedBatch rows, double[] weights) implements TrainingBatch {
    static SftBatch of(JsonNode batch) {
        PackedBatch.Builder rows = PackedBatch.builder();
        List<Double> weights = new ArrayList<>();
        for (JsonNode example : Entries.objects(batch, "examples")) {
            int[] ids = OracleCase.ints(example.path("ids"), "ids");
            JsonNode mask = OracleCase.list(example, "loss_mask");
            if (mask.size() != ids.length) {
                throw new BadCaseException("loss_mask and ids of an example differ in size");
            }
            mask.forEach(weight -> Entries.number(weight, "loss_mask"));
            int segment = rows.segment(ids);
            for (int t = 1; t < ids.length; t++) {
                if (mask.get(t).doubleValue() != 0) {
                    rows.target(rows.row(segment, t - 1), ids[t]);
                    weights.add(TrainingBatch.weight(example) * mask.get(t).doubleValue());
                }
            }
        }
        return new SftBatch(
                rows.build(), weights.stream().mapToDouble(Double::doubleValue).toArray());
    }

    @Override
    public boolean needsReference() {
        return false;
    }

    @Override
    public Loss loss(double[] logProbs, double[] reference) {
        return SftObjective.loss(logProbs, weights);
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        // Goldens say nothing of single texts.
    }
}
