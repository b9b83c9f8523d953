package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.app.load.Answered;
import dev.flywheel.app.load.ClosedLoop;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.load.Question;
import dev.flywheel.app.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * Back and forth between two versions, as fast as the store commits, while clients ask prompts that all begin alike: each answer is held
 * against what its version says on a cache that holds nothing of the other.
 */
final class FastSwaps {
    private static final String ADAPTER = "bench/swapped";
    private static final int CLIENTS = 4;
    private static final int PROMPTS = 8;
    private static final int TOKENS_MAX = 24;
    private static final String BEGINNING =
            "who was there when the ship came in from the north ".repeat(6);
    private static final Duration FLIPPED = Duration.ofSeconds(10);
    private static final long LOOK_NANOS = 50_000;

    private final LocalNode node;
    private final LongSupplier nanos;
    private final List<String> prompts = IntStream.range(0, PROMPTS)
            .mapToObj(i -> BEGINNING + i)
            .toList();
    /** By version number. */
    private final Map<Long, Version> versions = new HashMap<>();
    private final List<Long> visibleNanos = new ArrayList<>();
    private final AtomicInteger asked = new AtomicInteger();
    private long answers;
    private long failed;
    private long mixed;
    private long wrongDigest;
    private long stale;

    private record Version(String digest, Map<String, List<Integer>> answers) {}

    FastSwaps(LocalNode node, LongSupplier nanos) {
        this.node = node;
        this.nanos = nanos;
    }

    SwapReport.Fast run(int swaps, long seed, LongConsumer progress) throws InterruptedException {
        prepare(seed);
        long before = node.swaps();
        long cachedBefore = node.prefixTokensCached();
        AtomicBoolean more = new AtomicBoolean(true);
        CompletableFuture<Void> clients = CompletableFuture.runAsync(() -> ask(more));
        long start = nanos.getAsLong();
        move(swaps, progress);
        double seconds = (nanos.getAsLong() - start) / 1e9;
        more.set(false);
        clients.join();
        return new SwapReport.Fast(node.swaps() - before, seconds, answers, failed, mixed,
                wrongDigest, stale, node.prefixTokensCached() - cachedBefore,
                node.flipMillisP99(), Percentiles.ofNanos(longs(visibleNanos)),
                visibleNanos.stream().map(each -> each / 1_000).toList());
    }

    private static long[] longs(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    private void prepare(long seed) throws InterruptedException {
        SyntheticAdapters adapters = new SyntheticAdapters(node.base(), 1);
        VersionPublisher publisher = new VersionPublisher(node.store(), node.base());
        publisher.create(ADAPTER, adapters.weights(seed));
        try (ColdAnswers cold = new ColdAnswers(node.base(), node.tokenizer())) {
            for (long number = 1; number <= 2; number++) {
                LoraWeights weights = adapters.weights(seed + number);
                versions.put(number, version(weights, cold));
                var unused = publisher.publish(ADAPTER, weights, cold.fingerprint(weights));
            }
        }
        node.awaitServed(ADAPTER, 2);
        requireDistinct();
    }

    private Version version(LoraWeights weights, ColdAnswers cold) {
        Map<String, List<Integer>> said = new HashMap<>();
        List<List<Integer>> greedy = cold.greedy(weights, prompts, TOKENS_MAX);
        for (int i = 0; i < PROMPTS; i++) {
            said.put(prompts.get(i), greedy.get(i));
        }
        return new Version(weights.digest().hex(), said);
    }

    /** Answers that both versions give would prove nothing. */
    private void requireDistinct() {
        List<Version> both = List.copyOf(versions.values());
        for (String prompt : prompts) {
            if (Objects.equals(both.getFirst().answers().get(prompt),
                    both.getLast().answers().get(prompt))) {
                throw new IllegalStateException(
                        "both versions say the same to a prompt; try another --seed");
            }
        }
    }

    private void ask(AtomicBoolean more) {
        try {
            new ClosedLoop(node.channel(), nanos, Duration.ofSeconds(30)).run(CLIENTS,
                    () -> new Question(ADAPTER,
                            prompts.get(asked.getAndIncrement() % PROMPTS), TOKENS_MAX),
                    more::get, this::check);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void check(Answered answer) {
        answers++;
        Version version = versions.get(answer.version().getNumber());
        if (!answer.status().isOk()) {
            failed++;
        } else if (answer.mixed()) {
            mixed++;
        } else if (version == null || !version.digest().equals(answer.version().getDigest())) {
            wrongDigest++;
        } else if (!answer.tokens().equals(version.answers().get(answer.question().prompt()))) {
            stale++;
        }
    }

    private void move(int swaps, LongConsumer progress) {
        StoreClient store = node.store();
        AliasRecord serving = store.listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .findFirst()
                .orElseThrow();
        for (int swap = 1; swap <= swaps; swap++) {
            long flips = node.swaps();
            serving = store.setAlias(SetAliasRequest.newBuilder()
                    .setAdapter(ADAPTER)
                    .setAlias("serving")
                    .setVersion(3 - serving.getVersion())
                    .setExpectedRevision(serving.getRevision())
                    .setActor("bench")
                    .build());
            awaitFlip(flips);
            progress.accept(swap);
        }
    }

    private void awaitFlip(long flips) {
        long committed = nanos.getAsLong();
        while (node.swaps() == flips) {
            if (nanos.getAsLong() - committed > FLIPPED.toNanos()) {
                throw new IllegalStateException("the node did not follow an alias within "
                        + TimeUnit.NANOSECONDS.toSeconds(FLIPPED.toNanos()) + " s");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        visibleNanos.add(nanos.getAsLong() - committed);
    }
}
