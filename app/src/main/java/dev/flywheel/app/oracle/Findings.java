package dev.flywheel.app.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a judge noted of one case. Not thread-safe. */
final class Findings {
    private static final int PROBLEMS_MAX = 20;

    private final List<Figure> figures = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final SortedSet<String> notCompared = new TreeSet<>();
    private String remark = "";
    private int problemCount;

    /** Notes a difference and what is allowed of it. */
    void figure(String name, double worst, double allowed) {
        figures.add(new Figure(name, worst, allowed));
    }

    /** Notes that something is wrong that has no tolerance. */
    void problem(String text) {
        problemCount++;
        if (problems.size() < PROBLEMS_MAX) {
            problems.add(text);
        }
    }

    /** Notes that the case holds something that no rule here knows how to compare. */
    void notCompared(String what) {
        notCompared.add(what);
    }

    /** Says how a case without figures went. */
    void remark(String text) {
        remark = text;
    }

    boolean good() {
        return problemCount == 0 && figures.stream().allMatch(Figure::within);
    }

    List<Figure> figures() {
        return figures;
    }

    /** Returns the first problems and how many more there were. */
    List<String> problems() {
        List<String> all = new ArrayList<>(problems);
        if (problemCount > problems.size()) {
            all.add("and " + (problemCount - problems.size()) + " more");
        }
        return all;
    }

    String remark() {
        return remark;
    }

    /** Returns what the case holds that was not compared, as a remark, or an empty text. */
    String leftOut() {
        return notCompared.isEmpty() ? ""
                : "not compared: " + String.join(", ", notCompared);
    }
}
