package dev.flywheel.trainer.round;

import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.TrimmedMean;
import java.util.ArrayList;
import java.util.List;

/**
 * The gradients of one step's users, kept apart on the host until their trimmed mean is taken.
 *
 * <p>At most {@link #HOST_BYTES_MAX}: of a large adapter with many users, users that follow each other
 * by so many share a place, and places are trimmed instead (Karimireddy et al., ICLR 2022,
 * arXiv:2006.09365): a hostile user then costs the others in its place their say, and is cut off all the
 * same.
 *
 * <p>One thread; moves memory, and computes on the device in slices only.
 */
final class UserGradients {
    private static final long HOST_BYTES_MAX = 256L << 20;

    private final TrainingPass pass;
    private final TrainableAdapter adapter;
    private final double share;
    private final int placesMax;
    private final List<List<float[]>> places = new ArrayList<>();
    private int users;

    /** @param share of the users that is cut off at each end */
    UserGradients(TrainingPass pass, TrainableAdapter adapter, double share) {
        this(pass, adapter, share, HOST_BYTES_MAX);
    }

    UserGradients(TrainingPass pass, TrainableAdapter adapter, double share, long bytesMax) {
        this.pass = pass;
        this.adapter = adapter;
        this.share = share;
        this.placesMax = (int) Math.max(3, bytesMax / (adapter.elements() * Float.BYTES));
    }

    /** Whether so many users are enough for one to be cut off. */
    static boolean trims(double share, int users) {
        return TrimmedMean.cut(share, users) > 0;
    }

    /** Takes what the adapter has accumulated as the next user's. */
    void take() {
        List<List<float[]>> taken = new ArrayList<>();
        pass.slice(() -> taken.add(adapter.takeAccumulated()));
        List<float[]> gradient = taken.getFirst();
        if (places.size() < placesMax) {
            places.add(gradient);
        } else {
            add(places.get(users % placesMax), gradient);
        }
        users++;
    }

    /**
     * Gives the adapter the trimmed mean, times the share of the step's users that it is of: those who
     * have nothing to teach count in a mean, but would have the others cut off.
     *
     * @param ofStep users of the step
     */
    void finish(int ofStep) {
        double scale = (double) places.size() / ofStep;
        int cut = cut();
        List<float[]> means = new ArrayList<>();
        for (int tensor = 0; tensor < places.getFirst().size(); tensor++) {
            means.add(scaled(TrimmedMean.of(column(tensor), cut), scale));
        }
        pass.slice(() -> adapter.setAccumulated(means));
    }

    private int cut() {
        int ofUsers = TrimmedMean.cut(share, users);
        int ofPlaces = TrimmedMean.cut(share, places.size());
        return ofUsers > 0 && ofPlaces == 0 ? Math.min(1, (places.size() - 1) / 2) : ofPlaces;
    }

    private List<float[]> column(int tensor) {
        return places.stream().map(place -> place.get(tensor)).toList();
    }

    private static float[] scaled(float[] values, double scale) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * scale);
        }
        return values;
    }

    private static void add(List<float[]> to, List<float[]> gradient) {
        for (int tensor = 0; tensor < to.size(); tensor++) {
            float[] sum = to.get(tensor);
            float[] more = gradient.get(tensor);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += more[i];
            }
        }
    }
}
