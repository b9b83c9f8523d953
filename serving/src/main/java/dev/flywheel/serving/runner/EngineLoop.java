package dev.flywheel.serving.runner;

import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.Admission;
import dev.flywheel.serving.scheduler.Scheduler;
import dev.flywheel.serving.scheduler.SequenceGroup;
import dev.flywheel.serving.scheduler.Slice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that computes answers: plan a step, run it on the device, read the rows, hand out what is
 * done.
 *
 * <p>A cancelled or late job is dropped before the next step and holds nothing afterwards. A fault while a
 * job's rows are read fails that job alone; a fault of the step itself fails the jobs in it. Thread-safe;
 * the pass and the cache are used by this thread alone and belong to the caller.
 */
public final class EngineLoop implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EngineLoop.class);
    private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final ForwardPass pass;
    private final KvCache cache;
    private final DeviceLoop device;
    private final LoopLimits limits;
    private final Scheduler scheduler;
    private final HotPrefixes shared;
    private final ServingMetrics metrics;
    private final LongSupplier nanos;
    private final Runnable died;
    private final Map<SequenceGroup, Job> jobs = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition idle = lock.newCondition();
    private final Thread thread;
    private final StepTime stepTime = new StepTime();
    private boolean draining;
    private boolean stopping;

    /**
     * @param nanos a monotonic clock; deadlines of jobs are on it
     * @param died runs if the loop ends by a fault: nothing will be answered any more
     */
    public EngineLoop(ForwardPass pass, KvCache cache, DeviceLoop device, LoopLimits limits,
            ServingMetrics metrics, LongSupplier nanos, Runnable died) {
        this.pass = pass;
        this.cache = cache;
        this.device = device;
        this.limits = limits;
        this.scheduler = new Scheduler(limits.scheduler());
        this.shared = new HotPrefixes(limits.sharedTokensMax());
        this.metrics = metrics;
        this.nanos = nanos;
        this.died = died;
        this.thread = Thread.ofPlatform().daemon().name("engine-loop").unstarted(this::run);
        metrics.gauge("flywheel.requests.waiting",
                "requests that wait for admission to the batch, those that were preempted included",
                () -> locked(scheduler::waiting));
        metrics.gauge("flywheel.requests.running", "requests in the batch",
                () -> locked(scheduler::running));
        metrics.gauge("flywheel.serving.tokens.waiting",
                "what the waiting requests may cost, tokens",
                () -> locked(() -> (int) scheduler.tokensWaiting()));
        metrics.gauge("flywheel.kv.cache.usage.ratio",
                "share of the cache's blocks that requests hold, 0 to 1",
                () -> 1 - (double) cache.freeBlocks() / cache.capacityBlocks());
    }

    public void start() {
        thread.start();
    }

    /** Returns whether the loop runs. */
    public boolean alive() {
        return thread.isAlive();
    }

    /** Adapters whose requests are inside, each once, in order of their names. */
    public record Adapters(SortedSet<String> running, SortedSet<String> waiting) {}

    /** Returns the adapters of the requests that are inside; of the bare base model there is none. */
    public Adapters adapters() {
        Set<SequenceGroup> batch = Collections.newSetFromMap(new IdentityHashMap<>());
        batch.addAll(locked(scheduler::groupsRunning));
        Adapters found = new Adapters(new TreeSet<>(), new TreeSet<>());
        jobs.forEach((group, job) -> {
            String name = job.version().getAdapter();
            if (!name.isEmpty()) {
                (batch.contains(group) ? found.running() : found.waiting()).add(name);
            }
        });
        return found;
    }

    /** Returns how many jobs are inside, waiting or running. */
    public int jobs() {
        return jobs.size();
    }

    /**
     * Refuses a request of a tenant before anything is done for it if it could only wait for too long.
     *
     * @throws ServingException with a time after which to come again
     */
    public void requireRoom(String tenant) {
        if (locked(() -> tooLong(scheduler.stepsBefore(tenant)))) {
            throw tooMany(tenant);
        }
    }

    /** Takes a job, or fails it at once. From here on the loop owns what the job holds. */
    public void submit(Job job) {
        @Nullable ServingException refused = locked(() -> {
            if (draining) {
                return ServingException.later(ErrorCode.DRAINING, "this node is going away",
                        Duration.ofSeconds(1));
            }
            Admission admission = offer(job.group());
            if (admission == Admission.ACCEPTED) {
                jobs.put(job.group(), job);
                work.signal();
                return null;
            }
            return refusal(admission, job);
        });
        if (refused != null) {
            job.release();
            job.fail(refused);
        }
    }

    /** What waits may wait for so long only; what the next step takes up does not wait. */
    private Admission offer(SequenceGroup group) {
        return tooLong(scheduler.stepsBefore(group)) ? Admission.QUEUE_FULL
                : scheduler.offer(group);
    }

    private ServingException refusal(Admission admission, Job job) {
        return switch (admission) {
            case ACCEPTED -> throw new IllegalArgumentException("accepted is no refusal");
            case QUEUE_FULL -> tooMany(job.group().tenant());
            case TENANT_FULL -> ServingException.later(ErrorCode.TENANT_QUOTA,
                    "tenant " + job.group().tenant() + " has too many requests at once",
                    retryAfter(job.group().tenant()));
            case TOO_LARGE -> ServingException.tooLong("the request", job.group().tokens(),
                    (long) limits.scheduler().blocks() * limits.scheduler().blockTokens(),
                    "tokens in the cache");
        };
    }

    private ServingException tooMany(String tenant) {
        return ServingException.later(ErrorCode.QUEUE_FULL,
                "too many requests wait; try again later", retryAfter(tenant));
    }

    /** Returns when a request that was refused had better come again. */
    private Duration retryAfter(String tenant) {
        long millis = stepTime.of(locked(() -> scheduler.stepsBefore(tenant))).toMillis();
        return Duration.ofMillis(Math.clamp(millis, 20, 10_000));
    }

    private boolean tooLong(long steps) {
        return stepTime.of(steps).compareTo(limits.queueTimeMax()) > 0;
    }

    private void run() {
        boolean faultless = false;
        try {
            while (next()) {
                long before = nanos.getAsLong();
                sweep();
                List<Slice> slices = plan();
                if (!slices.isEmpty()) {
                    step(slices);
                    stepTime.took(nanos.getAsLong() - before);
                }
            }
            faultless = true;
        } finally {
            locked(() -> draining = true);
            if (!faultless) {
                log.error("the engine loop ended by a fault; no request can be answered");
                died.run();
            }
            ServingException away = ServingException.later(ErrorCode.DRAINING,
                    "this node is going away", Duration.ofSeconds(1));
            List<Job> left = List.copyOf(jobs.values());
            left.forEach(this::end);
            left.forEach(job -> job.fail(away));
        }
    }

    private List<Slice> plan() {
        Scheduler.Plan plan = locked(() -> {
            scheduler.admit().forEach(this::begin);
            return scheduler.plan();
        });
        for (SequenceGroup group : plan.preempted()) {
            metrics.preempted();
            job(group).rewind();
        }
        return byAdapter(plan.slices());
    }

    /** Rows of one adapter side by side: the device reads its weights once for all of them. */
    private List<Slice> byAdapter(List<Slice> slices) {
        return slices.stream()
                .sorted(Comparator.comparingInt(slice -> job(slice.group()).adapterSlot()))
                .toList();
    }

    private void begin(SequenceGroup group) {
        Job job = job(group);
        int cached = job.begin(cache);
        if (cached > 0) {
            shared.shared(job.adapter(), group.tenant(),
                    Arrays.copyOf(group.stem().tokens(), cached));
        }
        metrics.prefix(cached, group.stem().length());
    }

    /** Returns what requests for an adapter began with more than once, the most shared first. */
    List<HotPrefixes.Prefix> shared(String adapter) {
        return shared.of(adapter);
    }

    /** Waits for work; false if there will be none. */
    private boolean next() {
        lock.lock();
        try {
            while (jobs.isEmpty() && !stopping) {
                idle.signalAll();
                var unused = work.awaitNanos(IDLE_NANOS);
            }
            return !stopping;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    private void sweep() {
        long now = nanos.getAsLong();
        for (Job job : jobs.values()) {
            if (job.cancelled()) {
                drop(job, ServingException.of(ErrorCode.CANCELLED, "the caller went away"));
            } else if (job.late(now)) {
                drop(job, ServingException.of(ErrorCode.DEADLINE,
                        "the deadline passed before the answer was complete"));
            }
        }
    }

    private void step(List<Slice> plan) {
        AtomicReference<Logits> logits = new AtomicReference<>();
        try {
            List<Chunk> chunks = chunks(plan);
            device.step(() -> logits.set(pass.run(chunks)));
        } catch (RuntimeException fault) {
            log.error("a step of {} slices failed", plan.size(), fault);
            Set<Job> failed = new HashSet<>();
            plan.forEach(slice -> failed.add(job(slice.group())));
            failed.forEach(job -> drop(job, fault()));
            return;
        }
        measure(plan);
        for (int i = 0; i < plan.size(); i++) {
            read(plan.get(i), logits.get(), i);
        }
    }

    private List<Chunk> chunks(List<Slice> plan) {
        List<Chunk> chunks = new ArrayList<>(plan.size());
        for (Slice slice : plan) {
            Job job = job(slice.group());
            chunks.add(new Chunk(job.cached(slice.sequence()), slice.tokens(),
                    job.adapterSlot(), job.wanted(slice)));
        }
        return chunks;
    }

    private void read(Slice slice, Logits logits, int chunk) {
        Job job = jobs.get(slice.group());
        if (job == null) {
            return; // an earlier slice of the same job failed it
        }
        scheduler.complete(slice);
        try {
            if (job.take(slice, logits, logits.firstRow(chunk), nanos.getAsLong())) {
                end(job);
                job.count(metrics);
                job.finish();
            }
        } catch (ServingException why) {
            drop(job, why);
        } catch (RuntimeException fault) {
            log.error("reading the rows of a request failed", fault);
            drop(job, fault());
        }
    }

    private Job job(SequenceGroup group) {
        Job job = jobs.get(group);
        if (job == null) {
            throw new IllegalStateException("a slice was planned for a job that has ended");
        }
        return job;
    }

    private void drop(Job job, ServingException why) {
        end(job);
        job.fail(why);
    }

    /** Frees all that a job holds before anybody hears of its end. */
    private void end(Job job) {
        jobs.remove(job.group());
        locked(() -> {
            scheduler.end(job.group());
            return true;
        });
        job.release();
    }

    private static ServingException fault() {
        return ServingException.of(ErrorCode.INTERNAL,
                "the request failed by a fault of this node");
    }

    private void measure(List<Slice> plan) {
        int prompt = 0;
        int answer = 0;
        for (Slice slice : plan) {
            if (slice.sequence().decoding()) {
                answer += slice.count();
            } else {
                prompt += slice.count();
            }
        }
        metrics.step(prompt, answer);
    }

    /** Takes no more jobs and waits for those inside; returns whether all of them were done in time. */
    public boolean drain(Duration patience) throws InterruptedException {
        lock.lock();
        try {
            draining = true;
            long left = patience.toNanos();
            while (!jobs.isEmpty() && left > 0) {
                left = idle.awaitNanos(left);
            }
            return jobs.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the thread after its current step; jobs that are left fail. */
    @Override
    public void close() {
        lock.lock();
        try {
            draining = true;
            stopping = true;
            work.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private <T extends @Nullable Object> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }
}
