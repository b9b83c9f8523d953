package dev.flywheel.app.simulate;

import java.util.List;
import java.util.Map;

/** A story that is played against the loop, and what it has to show. */
interface Scenario {
    String name();

    /** What it shows, one line. */
    String summary();

    /** What shapes it, by name with units. */
    Map<String, Object> settings();

    /** How many steps one seed has, for the progress. */
    int steps();

    /** Plays it once. */
    SeedFigures play(Stage stage, long seed) throws InterruptedException;

    /** What has to hold, in words. */
    String target();

    /** Whether that holds over the seeds. */
    boolean met(List<SeedFigures> seeds);
}
