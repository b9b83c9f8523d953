package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.app.load.Answered;
import dev.flywheel.app.load.ArrivalPattern;
import dev.flywheel.app.load.LoadReport;
import dev.flywheel.app.load.LoadRun;
import dev.flywheel.app.load.LoadSettings;
import dev.flywheel.app.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * A new version every ten seconds under a steady load, and between any two of them a control: the alias is set to the version that serves
 * already. What comes in the five seconds after the one kind is held against what comes after the other.
 */
final class SlowSwaps {
    private static final String ADAPTER = "bench/renewed";
    private static final Duration WINDOW = Duration.ofSeconds(5);
    private static final Duration LEAD = Duration.ofSeconds(3);
    private static final int CLIENTS = 4;
    private static final int TOKENS_MAX = 32;
    private static final int PROMPT_WORDS = 16;
    private static final double LOAD = 0.5;

    private final LocalNode node;
    private final LongSupplier nanos;
    private final List<Long> swapsAt = new ArrayList<>();
    private final List<Long> controlsAt = new ArrayList<>();
    private final List<List<Long>> arrivals = new ArrayList<>();

    SlowSwaps(LocalNode node, LongSupplier nanos) {
        this.node = node;
        this.nanos = nanos;
    }

    private record Next(LoraWeights weights, String fingerprint) {}

    SwapReport.Slow run(int swaps, long seed, LongConsumer progress) throws InterruptedException {
        VersionPublisher publisher = new VersionPublisher(node.store(), node.base());
        List<Next> next = prepare(swaps, seed, publisher);
        double perSecond = LOAD * new Throughput(node.channel(), CLIENTS, TOKENS_MAX, seed, nanos)
                .measure(List.of(ADAPTER), 0, WINDOW)
                .answers();
        CompletableFuture<LoadReport> load = CompletableFuture.supplyAsync(
                () -> load(perSecond, LEAD.plus(WINDOW.multipliedBy(2L * swaps)), seed));
        long due = nanos.getAsLong() + LEAD.toNanos();
        for (int swap = 0; swap < swaps; swap++) {
            awaitTime(due);
            swapsAt.add(nanos.getAsLong());
            var unused = publisher.publish(ADAPTER, next.get(swap).weights(),
                    next.get(swap).fingerprint());
            awaitTime(due + WINDOW.toNanos());
            controlsAt.add(nanos.getAsLong());
            setAgain();
            due += 2 * WINDOW.toNanos();
            progress.accept(swap + 1L);
        }
        return report(swaps, perSecond, load.join());
    }

    private List<Next> prepare(int swaps, long seed, VersionPublisher publisher)
            throws InterruptedException {
        SyntheticAdapters adapters = new SyntheticAdapters(node.base(), 1);
        List<Next> next = new ArrayList<>();
        try (ColdAnswers cold = new ColdAnswers(node.base(), node.tokenizer())) {
            for (int i = 1; i <= swaps; i++) {
                LoraWeights weights = adapters.weights(seed + i);
                next.add(new Next(weights, cold.fingerprint(weights)));
            }
        }
        publisher.create(ADAPTER, adapters.weights(seed));
        node.awaitServed(ADAPTER, 0);
        return next;
    }

    private LoadReport load(double perSecond, Duration time, long seed) {
        LoadSettings settings = new LoadSettings(perSecond, time, ArrivalPattern.POISSON,
                List.of(ADAPTER), 0, 64, PROMPT_WORDS, TOKENS_MAX, Duration.ofSeconds(30),
                Duration.ofSeconds(1), Duration.ofSeconds(1), 200,
                new SeededRandom(seed).nextInt(1 << 30));
        try {
            return new LoadRun(settings, node.channel(), StoreClient.over(node.channel()), nanos,
                    (at, note) -> {}, this::note).run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted under load", e);
        }
    }

    private synchronized void note(Answered answer) {
        arrivals.add(answer.arrivals());
    }

    private void awaitTime(long due) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(Math.max(0, due - nanos.getAsLong()));
    }

    private void setAgain() {
        AliasRecord serving = node.store()
                .listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .findFirst()
                .orElseThrow();
        var unused = node.store()
                .setAlias(SetAliasRequest.newBuilder()
                        .setAdapter(ADAPTER)
                        .setAlias("serving")
                        .setVersion(serving.getVersion())
                        .setExpectedRevision(serving.getRevision())
                        .setActor("bench")
                        .build());
    }

    private synchronized SwapReport.Slow report(int swaps, double perSecond, LoadReport load) {
        long failed = load.figures().sent() - load.figures().answered();
        return new SwapReport.Slow(swaps, perSecond, load.figures().answered(), failed,
                load.wrong(), load.versions(), gapMicros(swapsAt), gapMicros(controlsAt));
    }

    /** Returns the gaps between tokens that ended within the window after each of these times, microseconds. */
    private List<List<Long>> gapMicros(List<Long> times) {
        return times.stream().map(this::gapMicros).toList();
    }

    private List<Long> gapMicros(long from) {
        List<Long> gaps = new ArrayList<>();
        for (List<Long> answer : arrivals) {
            for (int i = 1; i < answer.size(); i++) {
                long after = answer.get(i) - from;
                if (after >= 0 && after < WINDOW.toNanos()) {
                    gaps.add((answer.get(i) - answer.get(i - 1)) / 1_000);
                }
            }
        }
        return gaps;
    }
}
