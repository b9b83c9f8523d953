package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.trainer.objective.RankingObjective;
import java.util.List;

/**
 * How well the versions that served a round's slates foresaw what was chosen: test, then train.
 *
 * <p>Taken from the scores in the impressions, so it costs nothing. A corrected text was never
 * scored when it was served and takes no part.
 */
final class PrequentialLoss {
    private PrequentialLoss() {}

    /** Returns the mean over slates, each choice weighing the same; 0 without slates. */
    static double mean(List<PreparedExample> examples) {
        double sum = 0;
        int slates = 0;
        for (PreparedExample example : examples) {
            if (example instanceof PreparedExample.Slate slate) {
                double[] served =
                        slate.example()
                                .getOptionsList()
                                .stream()
                                .mapToDouble(LabelledOption::getServedScore)
                                .toArray();
                sum += RankingObjective.DEFAULT.loss(served, slate.labels().unweighted()).value();
                slates++;
            }
        }
        return slates == 0 ? 0 : sum / slates;
    }
}
