package dev.flywheel.trainer.round;

import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.training.TrainableAdapter;

/** A version on the device, as training left it or ready to go on; its owner closes it. */
record DeviceVersion(
        String weightsDigest,
        String optimizerDigest,
        TrainableAdapter adapter,
        Probe probe)
        implements
            AutoCloseable {
    boolean is(Parent parent) {
        return weightsDigest.equals(parent.weightsDigest())
                && optimizerDigest.equals(parent.optimizerDigest());
    }

    @Override
    public void close() {
        adapter.close();
    }
}
