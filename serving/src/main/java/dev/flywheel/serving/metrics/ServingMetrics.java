package dev.flywheel.serving.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The meters of a serving node, all named {@code flywheel.serving.*}. Thread-safe. */
public final class ServingMetrics {
    private final MeterRegistry registry;
    private final Swaps swaps = new Swaps();
    private final Timer flips;
    private final Timer publishes;
    private final Counter promptTokens;
    private final Counter answerTokens;
    private final Counter steps;
    private final Counter prefixCached;
    private final Counter prefixTokens;
    private final Counter preemptions;
    private final Timer firstToken;
    private final Timer betweenTokens;
    private final Counter impressionsAccepted;
    private final Counter impressionsDropped;

    public ServingMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.flips = timer("flywheel.serving.swap.flip",
                "time to flip an alias from one resident version to another");
        this.publishes = timer("flywheel.serving.swap.delay",
                "from the commit of a version until requests get it");
        this.promptTokens = tokens("prompt");
        this.answerTokens = tokens("answer");
        this.steps = registry.counter("flywheel.serving.steps");
        this.prefixCached = registry.counter("flywheel.serving.prefix.cached.tokens");
        this.prefixTokens = registry.counter("flywheel.serving.prefix.tokens");
        this.preemptions = registry.counter("flywheel.serving.preemptions");
        this.firstToken = timer("flywheel.serving.first.token",
                "from admission to the first token of an answer");
        this.betweenTokens = timer("flywheel.serving.inter.token",
                "between two tokens of an answer");
        this.impressionsAccepted = impressions("accepted");
        this.impressionsDropped = impressions("dropped");
    }

    /** Returns the swaps since the start. */
    public Swaps swaps() {
        return swaps;
    }

    /** An answered or failed call; {@code code} is the name of a gRPC status. */
    public void request(String method, String code, Duration took) {
        registry.counter("flywheel.serving.requests", "method", method, "code", code).increment();
        registry.timer("flywheel.serving.request.duration", "method", method).record(took);
    }

    /** A request that was refused or failed for a named reason. */
    public void refusal(String reason) {
        registry.counter("flywheel.serving.refusals", "reason", reason).increment();
    }

    /** An alias now points to another resident version. */
    public void flipped(long nanos) {
        swaps.flipped(nanos);
        flips.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** Requests now get a version that was committed so long ago. */
    public void publishedAfter(long millis) {
        swaps.publishedAfter(millis);
        publishes.record(Math.max(0, millis), TimeUnit.MILLISECONDS);
    }

    /** A version was loaded ({@code loaded}), refused for good, or could not be fetched now. */
    public void version(String outcome) {
        registry.counter("flywheel.serving.versions", "outcome", outcome).increment();
    }

    /** One forward pass. */
    public void step(int prompt, int answer) {
        steps.increment();
        promptTokens.increment(prompt);
        answerTokens.increment(answer);
    }

    /** A request begins, and so many tokens of its prompt were in the cache already. */
    public void prefix(int cached, int prompt) {
        prefixCached.increment(cached);
        prefixTokens.increment(prompt);
    }

    /** Returns the tokens of prompts that were in the cache already. */
    public long prefixTokensCached() {
        return Math.round(prefixCached.count());
    }

    /** A running request gave its cache blocks back and waits to be read again. */
    public void preempted() {
        preemptions.increment();
    }

    /** The first token of an answer came so long after admission. */
    public void firstToken(long nanos) {
        firstToken.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A further token of an answer came so long after the one before. */
    public void nextToken(long nanos) {
        betweenTokens.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A feedback event was acknowledged, refused, or not taken by Kafka. */
    public void feedback(String outcome) {
        registry.counter("flywheel.serving.feedback", "outcome", outcome).increment();
    }

    /** An impression was taken by the publisher, or could not be. */
    public void impression(boolean accepted) {
        (accepted ? impressionsAccepted : impressionsDropped).increment();
    }

    /** A number that is read when somebody asks for it. */
    public void gauge(String name, Supplier<Number> value) {
        Gauge.builder("flywheel.serving." + name, value).register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name).description(description).register(registry);
    }

    private Counter tokens(String kind) {
        return registry.counter("flywheel.serving.tokens", "kind", kind);
    }

    private Counter impressions(String outcome) {
        return registry.counter("flywheel.serving.impressions", "outcome", outcome);
    }
}
