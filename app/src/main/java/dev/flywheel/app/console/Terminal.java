package dev.flywheel.app.console;

import java.util.regex.Pattern;

/** Tells whether a person watches. */
public final class Terminal {
    private static final int USUAL_COLUMNS = 80;
    private static final Pattern COLUMNS = Pattern.compile("[1-9]\\d{1,3}");

    private Terminal() {}

    /** Returns whether standard output is a terminal that can be redrawn. */
    public static boolean interactive() {
        var console = System.console();
        String term = System.getenv("TERM");
        return console != null && console.isTerminal() && term != null && !term.equals("dumb");
    }

    /** Returns the width that the shell tells, else the usual one. */
    public static int columns() {
        String told = System.getenv("COLUMNS");
        return told != null && COLUMNS.matcher(told).matches() ? Integer.parseInt(told)
                : USUAL_COLUMNS;
    }
}
