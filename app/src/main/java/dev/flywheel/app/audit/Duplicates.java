package dev.flywheel.app.audit;

/**
 * What came more than once, told apart: only the events are counted in the terms.
 *
 * @param records of the feedback topic, heartbeats left out
 * @param repeated records of events that had come before: retries, mostly
 * @param sentAgain records that an operator sent again from the dead letters
 * @param unnamed records that are no event and claim no identity: nobody's feedback
 * @param letters dead letters; an event that is refused twice has two
 * @param noLetters records of the dead-letter topic that are no dead letters
 * @param inTwoManifests events that stand in more than one manifest that was committed or rejected; none may
 */
public record Duplicates(
        long records,
        long repeated,
        long sentAgain,
        long unnamed,
        long letters,
        long noLetters,
        long inTwoManifests) {}
