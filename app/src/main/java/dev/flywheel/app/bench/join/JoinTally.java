package dev.flywheel.app.bench.join;

import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What a run brought about, counted by all subtasks of the job, which is in this process. Thread-safe. */
final class JoinTally {
    private final boolean each;
    private final LongAdder joined = new LongAdder();
    private final LongAdder silent = new LongAdder();
    private final LongAdder twice = new LongAdder();
    private final Map<RefusalReason, LongAdder> refused = new ConcurrentHashMap<>();
    private final Set<FeedbackKey> keys = ConcurrentHashMap.newKeySet();
    private final Set<String> examples = ConcurrentHashMap.newKeySet();
    private final AtomicLong began = new AtomicLong(Long.MAX_VALUE);
    private final AtomicLong ended = new AtomicLong(Long.MIN_VALUE);

    /**
     * Makes an empty one.
     *
     * @param each whether to remember each example and each event, so that none can count twice unseen
     */
    JoinTally(boolean each) {
        this.each = each;
    }

    void begin(long nanos) {
        began.accumulateAndGet(nanos, Math::min);
    }

    void end(long nanos) {
        ended.accumulateAndGet(nanos, Math::max);
    }

    long nanos() {
        return ended.get() - began.get();
    }

    void emitted(LoopItem item) {
        (item.getExample().hasFeedback() ? joined : silent).increment();
        if (each && !examples.add(item.getExample().getExample().getExampleId())) {
            twice.increment();
        }
        if (each) {
            for (FeedbackKey key : item.getExample().getExample().getFeedbackList()) {
                remember(key);
            }
        }
    }

    void refused(DeadLetter letter) {
        refused.computeIfAbsent(letter.getRefused().getReason(), reason -> new LongAdder())
                .increment();
        if (each) {
            remember(letter.getRefused().getKey());
        }
    }

    private void remember(FeedbackKey key) {
        if (!keys.add(key)) {
            twice.increment();
        }
    }

    long joined() {
        return joined.sum();
    }

    long silent() {
        return silent.sum();
    }

    /** Examples and events that came out more than once. */
    long twice() {
        return twice.sum();
    }

    /** Returns how many of these events neither became an example nor were refused. */
    long missing(Set<FeedbackKey> wanted) {
        return wanted.stream().filter(key -> !keys.contains(key)).count();
    }

    Map<RefusalReason, Long> refused() {
        Map<RefusalReason, Long> sums = new EnumMap<>(RefusalReason.class);
        refused.forEach((reason, count) -> sums.put(reason, count.sum()));
        return sums;
    }
}
