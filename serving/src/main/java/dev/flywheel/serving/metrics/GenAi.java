package dev.flywheel.serving.metrics;

import java.time.Duration;
import java.util.stream.DoubleStream;

/**
 * Names, attributes and bucket bounds of OpenTelemetry's conventions for generative AI, in one place: they are still in
 * development, and a renaming there is an edit here.
 */
final class GenAi {
    static final String FIRST_TOKEN = "gen_ai.server.time_to_first_token";
    static final String OUTPUT_TOKEN = "gen_ai.server.time_per_output_token";
    static final String REQUEST = "gen_ai.server.request.duration";
    static final String TOKENS = "gen_ai.client.token.usage";

    static final String OPERATION = "gen_ai.operation.name";
    static final String PROVIDER = "gen_ai.provider.name";
    static final String MODEL = "gen_ai.request.model";
    static final String TOKEN_TYPE = "gen_ai.token.type";
    static final String ERROR = "error.type";

    static final String FLYWHEEL = "flywheel";

    private GenAi() {}

    static Duration[] firstTokenBounds() {
        return seconds(.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10);
    }

    static Duration[] outputTokenBounds() {
        return seconds(.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5);
    }

    /** From 10 ms, each twice the one before. */
    static Duration[] requestBounds() {
        return seconds(DoubleStream.iterate(.01, bound -> bound * 2).limit(14).toArray());
    }

    /** From 1, each four times the one before. */
    static double[] tokenBounds() {
        return DoubleStream.iterate(1, bound -> bound * 4).limit(14).toArray();
    }

    static Duration[] seconds(double... bounds) {
        return DoubleStream.of(bounds)
                .mapToObj(bound -> Duration.ofNanos(Math.round(bound * 1e9)))
                .toArray(Duration[]::new);
    }
}
