package dev.flywheel.app.lineage;

/**
 * All that a version has learned, its ancestors' rounds included.
 *
 * @param rounds that made it and its ancestors
 * @param examples of their manifests
 * @param feedback events that were trained
 */
public record Learned(long rounds, long examples, long feedback) {
    @Override
    public String toString() {
        return "%d rounds, %d examples, %d feedback events".formatted(rounds, examples, feedback);
    }
}
