package dev.flywheel.trainer.lineage;

/** Hears of each version that was trained again, on the caller's thread; must return at once. */
@FunctionalInterface
public interface LineageListener {
    /** Hears nothing. */
    LineageListener NONE = (version, done, all) -> {};

    /**
     * @param version number of the version
     * @param done how many were trained, this one included
     * @param all how many there are to be
     */
    void trained(long version, long done, long all);
}
