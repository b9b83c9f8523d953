package dev.flywheel.engine.jinja;

import java.util.AbstractList;

/** The numbers that {@code range} gives: a list that prints as it was asked for, and is never added to. */
final class Range extends AbstractList<Object> {
    private final long from;
    private final long to;
    private final long step;

    Range(long from, long to, long step) {
        this.from = from;
        this.to = to;
        this.step = step;
    }

    static long size(long from, long to, long step) {
        boolean none = step > 0 ? from >= to : from <= to;
        return none ? 0 : (Math.abs(to - from) - 1) / Math.abs(step) + 1;
    }

    @Override
    public Object get(int index) {
        return from + java.util.Objects.checkIndex(index, size()) * step;
    }

    @Override
    public int size() {
        return (int) size(from, to, step);
    }

    String shown() {
        return step == 1
                ? "range(%d, %d)".formatted(from, to)
                : "range(%d, %d, %d)".formatted(from, to, step);
    }

    /** Returns the numbers at these places. */
    Range sliced(Range places) {
        return new Range(from + places.from * step, from + places.to * step, step * places.step);
    }
}
