package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.simulate.DirectProducer;
import dev.flywheel.feedback.kafka.Topics;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Outside clients: they ask, and send feedback until it is acknowledged, by gRPC or straight into Kafka.
 *
 * <p>Some drop what they would have said, say it late or in another order, or say it again. The caller closes it.
 */
final class Traffic implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Traffic.class);
    private static final int CLIENTS = 4;
    private static final long GIVE_UP_NANOS = 60_000_000_000L;
    private static final long RETRY_MILLIS = 200;
    private static final double DIRECT = 0.3;
    private static final double CORRECTIONS = 0.02;
    private static final double LONG_ANSWERS = 0.2;
    private static final double DROPPED = 0.02;
    private static final double LATE = 0.1;
    private static final double AGAIN = 0.1;
    private static final double WITHDRAWN = 0.04;
    private static final int RECENT_USERS = 400;
    private static final int CROWD = 6;
    private static final long CROWD_MILLIS = 2_000;
    private static final int LATE_MILLIS_MAX = 8_000;
    private static final String TENANT = "default";

    private final OutsideClient client;
    private final DirectProducer producer;
    private final Ledger ledger;
    private final boolean unruly;
    private final boolean withdrawing;
    private final long pauseNanos;
    private final long seed;
    private final AtomicLong ids = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();
    private final AtomicLong repeated = new AtomicLong();
    private final Sayings sayings = new Sayings();
    private final Set<FeedbackKey> takenBack = ConcurrentHashMap.newKeySet();
    private final Deque<String> users = new ArrayDeque<>();
    private final List<Thread> threads = new ArrayList<>();
    private final ScheduledExecutorService later = Executors.newScheduledThreadPool(3,
            Thread.ofPlatform().daemon().name("late-clients").factory());
    private volatile boolean stopped;

    Traffic(Cluster cluster, ChaosSettings settings, Ledger ledger) {
        this.client =
                new OutsideClient(cluster.channel(), cluster.folder().config().adapter().name());
        this.producer = new DirectProducer(cluster.folder().config().processes().broker(),
                new Topics(cluster.folder().config().loop().env()));
        this.ledger = ledger;
        this.unruly = settings.faults().contains(Fault.CLIENT);
        this.withdrawing = settings.faults().contains(Fault.SURGERY);
        this.pauseNanos = (long) (CLIENTS * 1e9 / settings.rate());
        this.seed = settings.seed();
    }

    void start() {
        for (int i = 0; i < CLIENTS; i++) {
            SplittableRandom random = new SplittableRandom(seed * 31 + i);
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("client-" + i)
                    .start(() -> run(random)));
        }
        var unused = later.scheduleWithFixedDelay(this::crowd, CROWD_MILLIS, CROWD_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    /** Asks for more versions at a time than a node holds: one that is answering must not give way to another. */
    private void crowd() {
        List<Thread> asking = new ArrayList<>();
        for (long version : sayings.newest(CROWD)) {
            asking.add(Thread.ofPlatform().daemon().name("crowd").start(() -> ask(version)));
        }
        try {
            for (Thread each : asking) {
                each.join();
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    private void ask(long version) {
        try {
            for (int question = 0; question < OutsideClient.QUESTIONS; question++) {
                sayings.heard(question, client.rank("crowd", question, version));
            }
        } catch (StatusRuntimeException away) {
            LOG.debug("version {} is not to be had: {}", version, away.getStatus());
        }
    }

    private void run(SplittableRandom random) {
        long next = System.nanoTime();
        while (!stopped) {
            try {
                once(random);
                next = Math.max(next + pauseNanos, System.nanoTime() - 1_000_000_000L);
                TimeUnit.NANOSECONDS.sleep(Math.max(0, next - System.nanoTime()));
            } catch (StatusRuntimeException away) {
                pause();
            } catch (InterruptedException end) {
                return;
            }
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void once(SplittableRandom random) {
        String user = "u" + random.nextInt(100_000);
        String id = "chaos-" + seed + "-" + ids.incrementAndGet();
        if (random.nextDouble() < CORRECTIONS) {
            OutsideClient.Generated generated = client.generate(user,
                    random.nextDouble() < LONG_ANSWERS ? OutsideClient.LONG_ANSWER
                            : OutsideClient.SHORT_ANSWER,
                    0);
            answers.incrementAndGet();
            sayings.heard(generated);
            deliver(OutsideClient.correction(generated.last(), user, id), true, id);
            return;
        }
        int question = random.nextInt(OutsideClient.QUESTIONS);
        RankReply reply = client.rank(user, question, 0);
        answers.incrementAndGet();
        sayings.heard(question, reply);
        say(reply, user, id, random);
    }

    private void say(RankReply reply, String user, String id, SplittableRandom random) {
        FeedbackEvent click = client.click(reply, 0, user, id);
        met(user);
        boolean call = random.nextDouble() >= DIRECT;
        if (withdrawing && random.nextDouble() < WITHDRAWN) {
            takeBack(random, click, call, id);
        }
        double fate = unruly ? random.nextDouble() : 1;
        if (fate < DROPPED) {
            return;
        }
        if (fate < DROPPED + LATE) {
            later(random, click, call, id);
        } else {
            deliver(click, call, id);
        }
        if (unruly && fate > 1 - AGAIN) {
            repeated.incrementAndGet();
            deliver(click, call, id);
            // Under the same id, what is said first counts.
            later(random, client.click(reply, 1, user, id), call, id);
        }
    }

    /** Some time later, and only what the client was told is taken. */
    private void takeBack(SplittableRandom random, FeedbackEvent said, boolean call, String id) {
        FeedbackKey key = key(call, id);
        var unused = later.schedule(() -> {
            if (ledger.has(key)) {
                deliver(OutsideClient.retract(said, id + "-back"), call, id + "-back");
                if (ledger.has(key(call, id + "-back"))) {
                    takenBack.add(key);
                }
            }
        }, random.nextInt(LATE_MILLIS_MAX), TimeUnit.MILLISECONDS);
    }

    private static FeedbackKey key(boolean call, String id) {
        return FeedbackKey.newBuilder()
                .setSource(call ? "client/" + TENANT : DirectProducer.SOURCE)
                .setFeedbackId(id)
                .build();
    }

    /** Returns what was acknowledged, and then taken back by an event that was acknowledged too. */
    Set<FeedbackKey> takenBack() {
        return Set.copyOf(takenBack);
    }

    private void met(String user) {
        synchronized (users) {
            users.addLast(user);
            if (users.size() > RECENT_USERS) {
                users.removeFirst();
            }
        }
    }

    /** Returns one who was answered lately, by a number; empty if nobody was. */
    Optional<String> user(long number) {
        synchronized (users) {
            return users.isEmpty() ? Optional.empty()
                    : users.stream().skip(number / 8 % users.size()).findFirst();
        }
    }

    private void later(SplittableRandom random, FeedbackEvent event, boolean call, String id) {
        var unused = later.schedule(() -> deliver(event, call, id),
                random.nextInt(LATE_MILLIS_MAX), TimeUnit.MILLISECONDS);
    }

    /**
     * Asks again what was answered in the run, of the same versions; returns what is not as promised.
     *
     * @param stands whether HEAD came from a version, which has to be there then
     */
    List<String> askAgain(int count, LongPredicate stands) throws InterruptedException {
        for (Sayings.Asked asked : sayings.some(count)) {
            askAgain(asked, stands);
        }
        return sayings.violations();
    }

    private void askAgain(Sayings.Asked asked, LongPredicate stands) throws InterruptedException {
        long deadline = System.nanoTime() + GIVE_UP_NANOS;
        while (true) {
            try {
                if (asked.question() >= OutsideClient.QUESTIONS) {
                    sayings.heard(client.generate("again", asked.question(), asked.version()));
                } else {
                    sayings.heard(asked.question(),
                            client.rank("again", asked.question(), asked.version()));
                }
                return;
            } catch (StatusRuntimeException away) {
                if (away.getStatus().getCode() == Status.Code.NOT_FOUND
                        && !stands.test(asked.version())) {
                    return; // what was taken out of the lineage is kept no longer than it has to be
                }
                if (!OutsideClient.passing(away) || System.nanoTime() - deadline > 0) {
                    throw away;
                }
                TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
            }
        }
    }

    /** Sends it until it is acknowledged, always under the same id. */
    private void deliver(FeedbackEvent event, boolean call, String id) {
        if (event.getFeedbackToken().isEmpty()) {
            return; // the node could not tell Kafka of its answer, and says so
        }
        long deadline = System.nanoTime() + GIVE_UP_NANOS;
        while (System.nanoTime() - deadline < 0) {
            try {
                if (call) {
                    client.send(event);
                    acknowledged(key(true, id));
                } else {
                    producer.send(event.toBuilder()
                            .setSource(DirectProducer.SOURCE)
                            .setReceivedAtMillis(System.currentTimeMillis())
                            .build());
                    acknowledged(key(false, id));
                }
                return;
            } catch (StatusRuntimeException refused) {
                if (!OutsideClient.passing(refused)) {
                    return;
                }
                pause();
            } catch (IllegalStateException away) {
                pause();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void acknowledged(FeedbackKey key) {
        ledger.acknowledged(key, System.currentTimeMillis());
    }

    long answers() {
        return answers.get();
    }

    long repeated() {
        return repeated.get();
    }

    /** What was answered. */
    Sayings sayings() {
        return sayings;
    }

    /** Has the clients end, what they still try to send included. */
    void stop() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
        later.shutdown();
        if (!later.awaitTermination(GIVE_UP_NANOS, TimeUnit.NANOSECONDS)) {
            later.shutdownNow();
        }
    }

    @Override
    public void close() {
        stopped = true;
        later.shutdownNow();
        threads.forEach(Thread::interrupt);
        producer.close();
    }
}
