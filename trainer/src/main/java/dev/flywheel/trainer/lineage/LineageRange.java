package dev.flywheel.trainer.lineage;

/**
 * Which versions are to be trained again: those on the parent chain after {@code from}, up to {@code to}.
 *
 * @param from ancestor of {@code to}
 */
public record LineageRange(String adapter, long from, long to) {
    public LineageRange {
        if (from < 0 || from >= to) {
            throw new IllegalArgumentException(
                    "versions %d to %d; expected a first one of at least 0 and a later one"
                            .formatted(from, to));
        }
    }
}
