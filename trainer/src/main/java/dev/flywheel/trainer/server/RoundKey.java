package dev.flywheel.trainer.server;

/** What makes two Train calls the same round. */
public record RoundKey(String adapter, long seq, long epoch) {
    /** Whether a writer of this round's epoch has taken the adapter from that of the other round. */
    boolean supersedes(RoundKey other) {
        return adapter.equals(other.adapter) && Long.compareUnsigned(epoch, other.epoch) > 0;
    }
}
