package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Trains an adapter over a frozen base: log-probabilities out, dL/dlogp in.
 *
 * <p>Use: {@link #forward}, work out the loss, {@link #backward}; the gradient lands in the
 * adapter. Each layer is one slice of the device loop, and so is what {@link #slice} is given: serving waits
 * for at most one. Memory is
 * allocated once for {@code rowsMax} rows. Not thread-safe; does not own model, loop or adapters.
 */
public final class TrainingPass implements AutoCloseable {
    private final PackedPass pass;
    private @Nullable PackedBatch batch;
    private @Nullable TrainableAdapter adapter;
    private final ReferenceRows references;

    public TrainingPass(BaseModel model, DeviceLoop loop, int rowsMax) {
        this(model, loop, rowsMax, HeadPass.LOGITS_ELEMENTS);
    }

    TrainingPass(BaseModel model, DeviceLoop loop, int rowsMax, int logitsElements) {
        this.pass = new PackedPass(
                model.backend(), model.spec(), model.weights(), model.ropes(), loop,
                rowsMax, logitsElements);
        this.references = new ReferenceRows(() -> pass.head().allocateReference());
    }

    /** Returns the rows that a batch may have. */
    public int rowsMax() {
        return pass.rowsMax();
    }

    /**
     * Returns the natural-log probability of each target.
     *
     * <p>If the batch has leash rows the base runs first, unless one of the last few leashed
     * batches was this very object.
     *
     * @param active null for the bare base
     */
    @SuppressWarnings("ReferenceEquality") // the very object: its rows are on the device already
    public double[] forward(PackedBatch next, @Nullable TrainableAdapter active) {
        if (next != batch) {
            batch = null;
            pass.begin(next);
            batch = next;
        }
        adapter = active;
        boolean ranBase = next.leashRows().length > 0 && leashTo(next);
        if (!ranBase || active != null) {
            pass.forward(active);
        }
        return pass.head().forward(pass.output());
    }

    /** Gives the head the base's rows; returns whether the base had to run for them. */
    private boolean leashTo(PackedBatch next) {
        @Nullable Buffer known = references.find(next);
        if (known != null) {
            pass.head().useReference(known);
            return false;
        }
        pass.forward(null);
        pass.unit(s -> pass.head().keepReference(s, pass.output(), references.claim(next)));
        return true;
    }

    /**
     * Returns, for each leash row of the last forward call, how far the adapter moved the
     * distribution: KL(base || adapter) in nats.
     */
    public double[] leash() {
        return pass.head().leash();
    }

    /** As the general form, with the same coefficient at every leash row. */
    public void backward(double[] coefficients, double leashCoefficient) {
        double[] leash = new double[current().leashRows().length];
        Arrays.fill(leash, leashCoefficient);
        backward(coefficients, leash);
    }

    /**
     * Adds the gradient of the last forward call's loss to its adapter.
     *
     * @param coefficients dL/dlogp of each target
     * @param leashCoefficients dL/dKL of each leash row
     */
    public void backward(double[] coefficients, double[] leashCoefficients) {
        PackedBatch trained = current();
        if (adapter == null) {
            throw new IllegalStateException(
                    "the last forward call ran the bare base, which is frozen; run it with an adapter");
        }
        if (coefficients.length != trained.targets().size()
                || leashCoefficients.length != trained.leashRows().length) {
            throw new IllegalArgumentException(
                    "got " + coefficients.length + " coefficients and " + leashCoefficients.length
                            + " of the leash, the batch has " + trained.targets().size()
                            + " targets and " + trained.leashRows().length + " leash rows");
        }
        pass.beginBackward();
        pass.head()
                .backward(
                        pass.output(), coefficients, leashCoefficients, pass.dResidual(), null);
        pass.backward(null);
    }

    /**
     * Runs work on an adapter between two passes, such as a step of its optimizer, as a slice of its
     * own: with a large adapter it takes as long as a layer.
     */
    public void slice(Runnable work) {
        pass.unit(s -> work.run());
    }

    @Override
    public void close() {
        references.close();
        pass.close();
    }

    private PackedBatch current() {
        if (batch == null) {
            throw new IllegalStateException("no forward call yet");
        }
        return batch;
    }
}
