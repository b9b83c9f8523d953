package dev.flywheel.app.console;

/** Tells whether a person watches. */
public final class Terminal {
    private Terminal() {}

    /** Returns whether standard output is a terminal that can be redrawn. */
    public static boolean interactive() {
        var console = System.console();
        String term = System.getenv("TERM");
        return console != null && console.isTerminal() && term != null && !term.equals("dumb");
    }
}
