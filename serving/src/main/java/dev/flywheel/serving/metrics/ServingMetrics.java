package dev.flywheel.serving.metrics;

import static dev.flywheel.serving.metrics.GenAi.seconds;

import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.serving.error.ErrorCode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The meters of a serving node. What OpenTelemetry has a name for has that name ({@code gen_ai.*}); the others are {@code
 * flywheel.*}. Adapters have series of their own up to a number, see {@link BoundedNames}; no user, no text and no version is a label
 * here. Thread-safe.
 */
public final class ServingMetrics {
    private static final int ADAPTERS = 100;
    private static final String BASE = "base";

    /** What a change of the version behind an alias came to. */
    public enum SwapOutcome {
        /** Requests get the new version. */
        FLIPPED,
        /** The new version failed verification. */
        REFUSED,
        /** It could not be fetched or staged now; it is tried again. */
        UNAVAILABLE;

        String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    private final MeterRegistry registry;
    private final BoundedNames names;
    private final Swaps swaps = new Swaps();
    private final Timer swapped;
    private final Timer flips;
    private final Timer publishes;
    private final Timer learned;
    private final Timer betweenTokens;
    private final Counter promptTokens;
    private final Counter answerTokens;
    private final Counter steps;
    private final Counter prefixCached;
    private final Counter warmedTokens;
    private final Counter prefixTokens;
    private final Counter preemptions;
    private final Counter loads;
    private final Counter impressionsAccepted;
    private final Counter impressionsDropped;
    private final Counter connectionsRefused;
    private volatile Consumer<VersionRef> firstAnswers = version -> {};

    public ServingMetrics(MeterRegistry registry) {
        this(registry, ADAPTERS);
    }

    /** @param adaptersMax adapters that have series of their own */
    public ServingMetrics(MeterRegistry registry, int adaptersMax) {
        this.registry = registry;
        this.names = new BoundedNames(adaptersMax);
        this.swapped = timer("flywheel.adapter.swap.duration",
                "from the moment a moved alias is taken up until requests get its version: fetching, verifying, staging, flipping",
                seconds(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30));
        this.flips = timer("flywheel.adapter.swap.flip",
                "time to flip an alias from one resident version to another",
                seconds(.000_001, .000_01, .000_1, .001, .01, .1));
        this.publishes = timer("flywheel.adapter.swap.delay",
                "from the commit of a version until requests get it; between the store's wall clock and this node's",
                seconds(.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60));
        this.learned = timer("flywheel.feedback.to.serving.delay",
                "from a feedback event's time until the first answer of this node by a version that was trained on it; between the wall clocks of the node that took the event and of this one",
                seconds(.1, .25, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600));
        this.betweenTokens = timer("flywheel.serving.inter.token",
                "between two tokens of an answer, each pair by itself", GenAi.outputTokenBounds());
        this.promptTokens = tokens("prompt");
        this.answerTokens = tokens("answer");
        this.steps = counter("flywheel.serving.steps", "forward passes of requests");
        this.warmedTokens = counter("flywheel.serving.prefix.warmed.tokens",
                "prompt tokens that new versions read before their first request");
        this.prefixCached = counter("flywheel.serving.prefix.cached.tokens",
                "prompt tokens that were in the cache when their request began");
        this.prefixTokens = counter("flywheel.serving.prefix.tokens",
                "prompt tokens of the requests that began");
        this.preemptions = counter("flywheel.serving.preemptions",
                "running requests that gave their cache blocks back, to be read again later");
        this.loads = counter("flywheel.adapter.loads",
                "versions that were verified and put into a slot");
        this.connectionsRefused = counter("flywheel.serving.connections.refused",
                "gRPC connections that were closed as they came, for there were too many");
        this.impressionsAccepted = impressions("accepted");
        this.impressionsDropped = impressions("dropped");
        for (SwapOutcome outcome : SwapOutcome.values()) {
            swap(outcome, 0);
        }
        for (ErrorCode reason : ErrorCode.values()) {
            refusal(reason.name(), 0);
        }
        for (FeedbackResult result : FeedbackResult.values()) {
            feedback(result, 0);
        }
    }

    /** Returns the swaps since the start. */
    public Swaps swaps() {
        return swaps;
    }

    /** Names who hears of every version that has given the first of its answer; must return at once. */
    public void onAnswer(Consumer<VersionRef> listener) {
        firstAnswers = listener;
    }

    /** Returns {@code gen_ai.request.model} of a version: its adapter, if that has a place. */
    String model(VersionRef version) {
        return version.getAdapter().isEmpty() ? BASE : names.label(version.getAdapter());
    }

    /** Returns whether an adapter has series of its own. */
    public boolean shows(String adapter) {
        return names.has(adapter);
    }

    /** An adapter is gone, and with it its series. */
    public void forget(String adapter) {
        names.forget(adapter);
        registry.getMeters()
                .stream()
                .map(Meter::getId)
                .filter(id -> adapter.equals(id.getTag(GenAi.MODEL)))
                .forEach(registry::remove);
    }

    /** Begins to time a call. */
    public CallTimer call(Operation operation, LongSupplier nanos) {
        return new CallTimer(this, operation, nanos);
    }

    void request(Operation operation, String model, String error, long nanos) {
        Timer.builder(GenAi.REQUEST)
                .description(
                        "from the arrival of a request until its answer was handed to the transport, or its end; error_type is empty where it was answered")
                .tags(tags(operation, model).and(GenAi.ERROR, error))
                .serviceLevelObjectives(GenAi.requestBounds())
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** The first token of a generated answer came so long after the request was taken in. */
    public void firstToken(VersionRef version, long nanos) {
        Timer.builder(GenAi.FIRST_TOKEN)
                .description("from a request's admission to the first token of its answer")
                .tags(tags(Operation.GENERATE, model(version)))
                .serviceLevelObjectives(GenAi.firstTokenBounds())
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
        firstAnswers.accept(version);
    }

    /** A further token of an answer came so long after the one before. */
    public void nextToken(long nanos) {
        betweenTokens.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A generated answer is whole; after its first token one came every so many nanoseconds, in the mean. */
    public void perToken(VersionRef version, long nanos) {
        Timer.builder(GenAi.OUTPUT_TOKEN)
                .description("mean time of a token of an answer, its first one left out")
                .tags(tags(Operation.GENERATE, model(version)))
                .serviceLevelObjectives(GenAi.outputTokenBounds())
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A request has all that it wanted. */
    public void finished(Operation operation, VersionRef version, long input, long output) {
        usage(operation, version, "input", input);
        if (operation == Operation.GENERATE) {
            usage(operation, version, "output", output);
        }
        firstAnswers.accept(version);
    }

    /** A new version has read the beginning of a prompt before its first request. */
    public void warmed(long tokens) {
        warmedTokens.increment(tokens);
    }

    private void usage(Operation operation, VersionRef version, String type, long tokens) {
        DistributionSummary.builder(GenAi.TOKENS)
                .description("tokens that a request read, or its answer has")
                .tags(tags(operation, model(version)).and(GenAi.TOKEN_TYPE, type))
                .serviceLevelObjectives(GenAi.tokenBounds())
                .register(registry)
                .record(tokens);
    }

    private static Tags tags(Operation operation, String model) {
        return Tags.of(GenAi.OPERATION, operation.label(), GenAi.PROVIDER, GenAi.FLYWHEEL,
                GenAi.MODEL, model);
    }

    /** An answered or failed call; {@code code} is the name of a gRPC status. */
    public void request(String method, String code) {
        Counter.builder("flywheel.serving.calls")
                .description("calls that ended, of all services, by method and gRPC status")
                .tags("method", method, "code", code)
                .register(registry)
                .increment();
    }

    /** A request that was refused or failed for a named reason. */
    public void refusal(String reason) {
        refusal(reason, 1);
    }

    private void refusal(String reason, int count) {
        Counter.builder("flywheel.serving.refusals")
                .description("requests that were refused or failed, by reason")
                .tag("reason", reason)
                .register(registry)
                .increment(count);
    }

    /** An alias now points to another resident version. */
    public void flipped(long flipNanos, long swapNanos) {
        swaps.flipped(flipNanos);
        flips.record(flipNanos, TimeUnit.NANOSECONDS);
        swapped.record(swapNanos, TimeUnit.NANOSECONDS);
        swap(SwapOutcome.FLIPPED, 1);
    }

    /** A wanted version does not answer. */
    public void notSwapped(SwapOutcome outcome) {
        swap(outcome, 1);
    }

    private void swap(SwapOutcome outcome, int count) {
        Counter.builder("flywheel.adapter.swap")
                .description("tries to put another version behind an alias, by what they came to")
                .tag("outcome", outcome.label())
                .register(registry)
                .increment(count);
    }

    /** A version was verified and put into a slot. */
    public void loaded() {
        loads.increment();
    }

    /** Requests now get a version that was committed so long ago. */
    public void publishedAfter(long millis) {
        swaps.publishedAfter(millis);
        publishes.record(Math.max(0, millis), TimeUnit.MILLISECONDS);
    }

    /** A version that was trained on an event gave its first answer so long after that event. */
    public void learnedAfter(long millis) {
        learned.record(Math.max(0, millis), TimeUnit.MILLISECONDS);
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

    /** What this node said to a feedback event. */
    public void feedback(FeedbackResult result) {
        feedback(result, 1);
    }

    private void feedback(FeedbackResult result, int count) {
        Counter.builder(FeedbackResult.METER)
                .description(FeedbackResult.DESCRIPTION)
                .tags("at", "node", "result", result.label())
                .register(registry)
                .increment(count);
    }

    /** An impression was taken by the publisher, or could not be. */
    public void impression(boolean accepted) {
        (accepted ? impressionsAccepted : impressionsDropped).increment();
    }

    public void connectionRefused() {
        connectionsRefused.increment();
    }

    /** A number that is read when somebody asks for it. */
    public void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }

    /** The registry, for meters that come and go with what they show. */
    public MeterRegistry registry() {
        return registry;
    }

    private Timer timer(String name, String description, Duration... bounds) {
        return Timer.builder(name)
                .description(description)
                .serviceLevelObjectives(bounds)
                .register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private Counter tokens(String kind) {
        return Counter.builder("flywheel.serving.tokens")
                .description("tokens that forward passes read, of prompts and of answers")
                .tag("kind", kind)
                .register(registry);
    }

    private Counter impressions(String outcome) {
        return Counter.builder("flywheel.serving.impressions")
                .description(
                        "answers by whether their impression was taken; a dropped one's answer has no feedback token")
                .tag("outcome", outcome)
                .register(registry);
    }
}
