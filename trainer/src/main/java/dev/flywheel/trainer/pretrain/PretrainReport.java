package dev.flywheel.trainer.pretrain;

import java.util.List;

/**
 * What a pretraining did and what its model can do.
 *
 * @param parameters trained elements
 * @param command how to repeat it
 * @param end the last progress
 * @param losses along the way
 * @param marks on texts that were not trained on
 */
public record PretrainReport(
        PretrainSettings settings,
        long parameters,
        String command,
        PretrainProgress end,
        List<LossPoint> losses,
        List<Examination.Mark> marks) {
    /** The mean loss of the steps up to this one since the point before. */
    public record LossPoint(int step, double loss) {}

    public PretrainReport {
        losses = List.copyOf(losses);
        marks = List.copyOf(marks);
    }

    /** Returns one mark by name. */
    public double mark(String name) {
        return marks.stream()
                .filter(mark -> mark.name().equals(name))
                .mapToDouble(Examination.Mark::value)
                .findFirst()
                .orElse(Double.NaN);
    }
}
