package dev.flywheel.app.cluster;

/** What a start of the job begins with. */
public enum JobState {
    /** The newest complete checkpoint, if there is one. */
    NEWEST,
    /** Nothing: it reads the topics from their beginning, and the store's claims keep out what was trained. */
    NONE
}
