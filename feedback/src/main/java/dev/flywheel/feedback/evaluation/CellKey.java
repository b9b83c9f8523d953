package dev.flywheel.feedback.evaluation;

/**
 * Names the figures of one version in one window of one adapter.
 *
 * @param beginsAtMillis a multiple of the window's length
 */
public record CellKey(long version, long beginsAtMillis) {
    static CellKey of(long version, long atMillis, long windowMillis) {
        return new CellKey(version, Math.floorDiv(atMillis, windowMillis) * windowMillis);
    }
}
