package dev.flywheel.app.simulate;

import java.util.List;
import java.util.SplittableRandom;

/**
 * How readers click: from the top, one place after the other, until the first click or until they lose interest (the cascade
 * model of Craswell et al., WSDM 2008, with abandonment). Pure.
 *
 * @param liked chance that a liked item which is looked at is clicked
 * @param other the same of any other item: noise
 * @param examineNext chance to look at the next place after one that was not clicked: position bias
 */
record ClickModel(double liked, double other, double examineNext) {
    /** Readers who mostly click what they like and seldom look beyond the third place. */
    static final ClickModel USUAL = new ClickModel(0.9, 0.03, 0.7);

    ClickModel {
        for (double chance : new double[] {liked, other, examineNext}) {
            if (!(chance >= 0 && chance <= 1)) {
                throw new IllegalArgumentException("a chance is " + chance + ", allowed is 0 to 1");
            }
        }
    }

    /** Returns the place that is clicked, -1 if none. */
    int click(List<Boolean> slate, SplittableRandom random) {
        for (int place = 0; place < slate.size(); place++) {
            if (random.nextDouble() < chance(slate.get(place))) {
                return place;
            }
            if (random.nextDouble() >= examineNext) {
                return -1;
            }
        }
        return -1;
    }

    /** Returns the chance that anything of the slate is clicked. */
    double rate(List<Boolean> slate) {
        double reached = 1;
        double rate = 0;
        for (boolean likes : slate) {
            rate += reached * chance(likes);
            reached *= (1 - chance(likes)) * examineNext;
        }
        return rate;
    }

    double chance(boolean likes) {
        return likes ? liked : other;
    }
}
