package dev.flywheel.engine.device;

/**
 * What a device did since its loop was made, work in flight included.
 *
 * @param elapsedNanos time since the loop was made
 * @param steps serving steps begun
 * @param stepNanos time in serving steps
 * @param stepWaitNanos time that serving steps waited for the device
 * @param slices training slices begun
 * @param sliceNanos time in training slices
 */
public record DeviceUsage(
        long elapsedNanos,
        long steps,
        long stepNanos,
        long stepWaitNanos,
        long slices,
        long sliceNanos) {

    /** Returns what was added since {@code earlier}, a usage of the same loop. */
    public DeviceUsage since(DeviceUsage earlier) {
        return new DeviceUsage(
                elapsedNanos - earlier.elapsedNanos,
                steps - earlier.steps,
                stepNanos - earlier.stepNanos,
                stepWaitNanos - earlier.stepWaitNanos,
                slices - earlier.slices,
                sliceNanos - earlier.sliceNanos);
    }

    /** Returns the share of time in serving steps, 0 to 1. */
    public double servingShare() {
        return share(stepNanos);
    }

    /** Returns the share of time in training slices, 0 to 1. */
    public double trainingShare() {
        return share(sliceNanos);
    }

    private double share(long nanos) {
        return elapsedNanos <= 0 ? 0 : Math.min(1, (double) nanos / elapsedNanos);
    }
}
