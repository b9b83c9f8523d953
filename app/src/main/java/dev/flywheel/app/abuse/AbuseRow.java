package dev.flywheel.app.abuse;

/** One kind of abuse and the promise it must not break. */
interface AbuseRow {
    /** Name on the command line, such as {@code A05}. */
    String id();

    /** What is done, in a few words. */
    String title();

    /** Does it on nodes of its own, which are closed when this returns. */
    Finding run(Arena arena) throws Exception;
}
