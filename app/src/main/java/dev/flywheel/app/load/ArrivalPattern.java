package dev.flywheel.app.load;

/** How requests are spread over time. */
public enum ArrivalPattern {
    /** Each comes without regard to the others: gaps are exponential. */
    POISSON(1),
    /** Many at once, then none: gaps are gamma-distributed with three times the deviation, as traces of chat services show. */
    BURSTY(3);

    private final double variation;

    ArrivalPattern(double variation) {
        this.variation = variation;
    }

    /** Standard deviation of gaps over their mean. */
    double variation() {
        return variation;
    }
}
