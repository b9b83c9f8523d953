package dev.flywheel.store.queue;

/**
 * Bounds of a queue.
 *
 * @param bytesMax bytes of all records together; more are not taken
 * @param recordBytesMax bytes of one record
 */
public record QueueLimits(long bytesMax, int recordBytesMax) {
    public QueueLimits {
        if (bytesMax < 1 || recordBytesMax < 1) {
            throw new IllegalArgumentException("bytesMax is " + bytesMax + ", recordBytesMax is "
                    + recordBytesMax + "; each must be at least 1");
        }
    }
}
