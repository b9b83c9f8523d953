package dev.flywheel.trainer.lineage;

/**
 * The first thing that came out otherwise than it stands in the records.
 *
 * @param version number of the version
 * @param manifestSeq of the manifest that made it
 * @param what differs: {@code weights digest}, {@code optimizer digest}, {@code probe fingerprint} or
 *     {@code verdict}
 */
public record Difference(
        long version,
        long manifestSeq,
        String what,
        String recorded,
        String trainedAgain) {}
