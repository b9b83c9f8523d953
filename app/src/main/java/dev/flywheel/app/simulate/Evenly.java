package dev.flywheel.app.simulate;

/**
 * Numbers within [0, 1) that lie more evenly than chance would put them (Weyl's sequence of the golden ratio): of n of them any
 * interval holds its share up to about 1/n. Draws that are not to add noise of their own to a rate are made from these. For
 * one thread.
 */
final class Evenly {
    private static final double GOLDEN = 0.6180339887498949;

    private double last;

    /** @param start where to begin, within [0, 1) */
    Evenly(double start) {
        this.last = start;
    }

    double next() {
        last += GOLDEN;
        last -= Math.floor(last);
        return last;
    }
}
