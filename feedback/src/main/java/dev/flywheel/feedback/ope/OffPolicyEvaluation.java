package dev.flywheel.feedback.ope;

import java.util.List;

/**
 * Estimates a policy's reward from decisions of another, of known propensities.
 *
 * <p>A place of a slate weighs the product of the ratios of the two policies' probabilities up to it, so that its reward may depend on
 * the places before it (McInerney et al. 2020, arXiv:2007.12986). Inverse propensities: Horvitz and Thompson 1952; self-normalised:
 * Swaminathan and Joachims, NeurIPS 2015; doubly robust: Dudik et al., arXiv:1103.4601, with a reward model cross-fitted on two halves
 * of the log. Standard errors treat decisions as independent.
 */
public final class OffPolicyEvaluation {
    private final List<LoggedDecision> log;
    private final int places;
    private final double[][] weights;
    private final double[] weightSums;
    private final RewardModel[] halves = {new RewardModel(), new RewardModel()};

    private OffPolicyEvaluation(List<LoggedDecision> log) {
        this.log = log;
        this.places = log.stream().mapToInt(each -> each.places().size()).max().orElse(0);
        this.weights = new double[log.size()][];
        this.weightSums = new double[places];
        for (int i = 0; i < log.size(); i++) {
            weights[i] = weigh(log.get(i));
            halves[i & 1].learn(log.get(i));
        }
    }

    /** @throws IllegalArgumentException if there are fewer than two decisions */
    public static Estimates of(List<LoggedDecision> log) {
        if (log.size() < 2) {
            throw new IllegalArgumentException(
                    "%d decisions, an estimate needs 2 at least".formatted(log.size()));
        }
        return new OffPolicyEvaluation(List.copyOf(log)).estimates();
    }

    /** A slate that ends before others keeps its weight to their last place, where it earns nothing. */
    private double[] weigh(LoggedDecision decision) {
        double[] weight = new double[places];
        double product = 1;
        for (int place = 0; place < places; place++) {
            product *= place < decision.places().size()
                    ? decision.places().get(place).ratio()
                    : 1;
            weight[place] = product;
            weightSums[place] += product;
        }
        return weight;
    }

    private Estimates estimates() {
        double logged = 0;
        double max = 0;
        for (int i = 0; i < log.size(); i++) {
            for (LoggedPlace place : log.get(i).places()) {
                logged += place.reward();
            }
            for (double weight : weights[i]) {
                max = Math.max(max, weight);
            }
        }
        Estimate weight = furthestFromOne();
        return new Estimates(log.size(), logged / log.size(), plain(false), normalised(false),
                plain(true), normalised(true), effectiveSamples(), weight.value(),
                weight.standardError(), max);
    }

    private Estimate furthestFromOne() {
        Estimate furthest = weightMean(0);
        for (int place = 1; place < places; place++) {
            Estimate here = weightMean(place);
            if (distance(here) > distance(furthest)) {
                furthest = here;
            }
        }
        return furthest;
    }

    private Estimate weightMean(int place) {
        double[] here = new double[log.size()];
        for (int i = 0; i < here.length; i++) {
            here[i] = weights[i][place];
        }
        return meanOf(here);
    }

    private static double distance(Estimate weightMean) {
        double off = Math.abs(weightMean.value() - 1);
        return off == 0 ? 0 : off / weightMean.standardError();
    }

    private double effectiveSamples() {
        double[] squares = new double[places];
        for (double[] weight : weights) {
            for (int place = 0; place < weight.length; place++) {
                squares[place] += weight[place] * weight[place];
            }
        }
        double least = Double.POSITIVE_INFINITY;
        for (int place = 0; place < places; place++) {
            double sum = weightSums[place];
            least = Math.min(least, squares[place] == 0 ? 0 : sum * sum / squares[place]);
        }
        return least;
    }

    private Estimate plain(boolean robust) {
        double[] earned = new double[log.size()];
        for (int i = 0; i < earned.length; i++) {
            for (int place = 0; place < weights[i].length; place++) {
                earned[i] += before(i, place) * expected(i, place, robust)
                        + weights[i][place] * missed(i, place, robust);
            }
        }
        return meanOf(earned);
    }

    /** Each weight is divided by the mean of its place's, also where it stands before what the model expects. */
    private Estimate normalised(boolean robust) {
        double value = 0;
        // The estimate's first-order change by each decision, of mean 0 (delta method).
        double[] influence = new double[log.size()];
        for (int place = 0; place < places; place++) {
            double missed = 0;
            double expected = 0;
            for (int i = 0; i < influence.length; i++) {
                missed += shareHere(i, place) * missed(i, place, robust);
                expected += shareBefore(i, place) * expected(i, place, robust);
            }
            for (int i = 0; i < influence.length; i++) {
                double change = shareHere(i, place) * (missed(i, place, robust) - missed)
                        + shareBefore(i, place) * (expected(i, place, robust) - expected);
                influence[i] += influence.length * change;
            }
            value += missed + expected;
        }
        return new Estimate(value, meanOf(influence).standardError());
    }

    /** Returns a decision's part of all weights at a place. */
    private double shareHere(int i, int place) {
        return weightSums[place] == 0 ? 0 : weights[i][place] / weightSums[place];
    }

    private double shareBefore(int i, int place) {
        return place == 0 ? 1.0 / log.size() : shareHere(i, place - 1);
    }

    private double before(int i, int place) {
        return place == 0 ? 1 : weights[i][place - 1];
    }

    private double expected(int i, int place, boolean robust) {
        List<LoggedPlace> slate = log.get(i).places();
        return robust && place < slate.size() ? other(i).expected(slate.get(place), place) : 0;
    }

    private double missed(int i, int place, boolean robust) {
        List<LoggedPlace> slate = log.get(i).places();
        if (place >= slate.size()) {
            return 0;
        }
        LoggedPlace logged = slate.get(place);
        return logged.reward() - (robust ? other(i).guess(logged.item(), place) : 0);
    }

    private RewardModel other(int i) {
        return halves[1 - (i & 1)];
    }

    private static Estimate meanOf(double[] values) {
        double sum = 0;
        for (double each : values) {
            sum += each;
        }
        double mean = sum / values.length;
        double squares = 0;
        for (double each : values) {
            squares += (each - mean) * (each - mean);
        }
        double variance = squares / (values.length - 1);
        return new Estimate(mean, Math.sqrt(variance / values.length));
    }
}
