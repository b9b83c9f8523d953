package dev.flywheel.app.demo;

/**
 * What shapes a demo.
 *
 * @param seed fixes readers, items, order and luck
 * @param seconds length of the traffic; tastes drift at half
 * @param askersPerSecond reader requests a second, each asked of all arms
 * @param threads clients that ask at once
 */
public record DemoSettings(long seed, int seconds, double askersPerSecond, int threads) {
    /** Adapter that ranks for readers. */
    static final String RANKER = "news/ranker";

    /** Adapter that answers the teacher. */
    static final String DESK = "desk/answers";

    private static final double ASKERS_PER_SECOND = 20;
    private static final int THREADS = 6;

    /** Returns settings with the usual traffic. */
    public static DemoSettings of(long seed, int seconds) {
        return new DemoSettings(seed, seconds, ASKERS_PER_SECOND, THREADS);
    }

    public DemoSettings {
        if (seconds < 10 || seconds > 86_400) {
            throw new IllegalArgumentException(
                    "--seconds is " + seconds + ", allowed is 10 to 86400");
        }
    }
}
