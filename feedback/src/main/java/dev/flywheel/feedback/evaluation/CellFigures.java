package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.CalibrationBin;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.ScoreBin;
import java.util.Map;
import java.util.TreeMap;

/**
 * Sums that an evaluation is made of. All of them are whole numbers, so that what is taken back leaves no trace and no order of
 * the same contributions gives another sum. Lives for one change, used by one thread.
 */
final class CellFigures {
    /** Width of a bin of scores, nats: verdicts that are closer count as equal for AUC. */
    private static final double SCORE_STEP = 1.0 / 32;

    /** Scores beyond it share the last bin, nats. */
    private static final double SCORE_MAX = 8;

    static final int CALIBRATION_BINS = 10;

    private static final double NANOS = 1e9;

    private long examples;
    private long rewardMicros;
    private long newestMillis;
    private long lossNanos;
    private long revision;
    private final Map<String, Long> signals = new TreeMap<>();
    private final TreeMap<Integer, long[]> scores = new TreeMap<>();
    private final TreeMap<Integer, long[]> calibration = new TreeMap<>();

    CellFigures(EvaluationCell cell) {
        add(cell);
    }

    /** Adds all that another cell holds. */
    void add(EvaluationCell cell) {
        examples += cell.getExamples();
        rewardMicros += cell.getRewardMicros();
        newestMillis = Math.max(newestMillis, cell.getNewestMillis());
        lossNanos += cell.getLossNanos();
        revision += cell.getRevision();
        cell.getSignalsMap().forEach((signal, count) -> signals.merge(signal, count, Long::sum));
        for (ScoreBin bin : cell.getScoresList()) {
            add(scores, bin.getIndex(), bin.getTakenMicros(), bin.getPassedMicros(), 0);
        }
        for (CalibrationBin bin : cell.getCalibrationList()) {
            add(calibration, bin.getIndex(), bin.getTakenMicros(), bin.getPassedMicros(),
                    bin.getPredictedNanos());
        }
    }

    void example(String signal, double reward, long atMillis) {
        examples++;
        rewardMicros += Math.round(reward * Verdict.ONE);
        newestMillis = Math.max(newestMillis, atMillis);
        signals.merge(signal, 1L, Long::sum);
    }

    /**
     * @param times 1: counts it in; -1: takes it back
     */
    void verdict(Verdict verdict, int times) {
        long taken = verdict.taken() ? times * verdict.weightMicros() : 0;
        long passed = verdict.taken() ? 0 : times * verdict.weightMicros();
        lossNanos += times * verdict.lossNanos();
        add(scores, scoreBin(verdict.score()), taken, passed, 0);
        add(calibration, Math.min(CALIBRATION_BINS - 1,
                (int) (verdict.probability() * CALIBRATION_BINS)), taken, passed,
                times * verdict.predictedNanos());
    }

    private static int scoreBin(double score) {
        return (int) Math.floor(Math.max(-SCORE_MAX, Math.min(SCORE_MAX, score)) / SCORE_STEP);
    }

    private static void add(TreeMap<Integer, long[]> bins, int index, long taken, long passed,
            long predicted) {
        long[] bin = bins.computeIfAbsent(index, i -> new long[3]);
        bin[0] += taken;
        bin[1] += passed;
        bin[2] += predicted;
        if (bin[0] == 0 && bin[1] == 0) {
            bins.remove(index);
        }
    }

    /** Returns the cell after what was counted since this was made. */
    EvaluationCell changed() {
        EvaluationCell.Builder cell = EvaluationCell.newBuilder()
                .setRevision(revision + 1)
                .setExamples(examples)
                .setRewardMicros(rewardMicros)
                .setNewestMillis(newestMillis)
                .setLossNanos(lossNanos)
                .putAllSignals(signals);
        scores.forEach((index, bin) -> cell.addScores(ScoreBin.newBuilder()
                .setIndex(index)
                .setTakenMicros(bin[0])
                .setPassedMicros(bin[1])));
        calibration.forEach((index, bin) -> cell.addCalibration(CalibrationBin.newBuilder()
                .setIndex(index)
                .setTakenMicros(bin[0])
                .setPassedMicros(bin[1])
                .setPredictedNanos(bin[2])));
        return cell.build();
    }

    Evaluation.Builder evaluation() {
        long taken = sum(0);
        long all = taken + sum(1);
        double items = (double) all / Verdict.ONE;
        return Evaluation.newBuilder()
                .setExamples(examples)
                .setItems(Math.round(items))
                .setLogLoss(all == 0 ? 0 : lossNanos / NANOS / items)
                .setPredicted(all == 0 ? 0 : sum(2) / NANOS / items)
                .setObserved(all == 0 ? 0 : (double) taken / all)
                .setCalibrationError(all == 0 ? 0 : calibrationError(items))
                .setAuc(auc())
                .putAllSignals(signals)
                .setReward(examples == 0 ? 0 : (double) rewardMicros / Verdict.ONE / examples)
                .setNewestMillis(newestMillis)
                .setRevision(revision);
    }

    private long sum(int column) {
        long sum = 0;
        for (long[] bin : calibration.values()) {
            sum += bin[column];
        }
        return sum;
    }

    /** Mean over items of how far, in their bin, the mean probability is from the share that was taken. */
    private double calibrationError(double items) {
        double error = 0;
        for (long[] bin : calibration.values()) {
            error += Math.abs(bin[2] / NANOS - (double) bin[0] / Verdict.ONE);
        }
        return error / items;
    }

    /** Chance that a taken item was scored above one that was not; equal bins count half. */
    private double auc() {
        double below = 0;
        double above = 0;
        double taken = 0;
        for (long[] bin : scores.values()) { // by score, lowest first
            above += bin[0] * (below + bin[1] / 2.0);
            below += bin[1];
            taken += bin[0];
        }
        return taken == 0 || below == 0 ? 0.5 : above / (taken * below);
    }
}
