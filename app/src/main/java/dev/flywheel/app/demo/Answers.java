package dev.flywheel.app.demo;

import dev.flywheel.api.v1.VersionRef;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What a client can tell of the answers it got: how many, how many failed, and whether one mixed versions.
 *
 * <p>An answer is mixed if its parts name different versions, or if a version number comes with a digest other than
 * the one it came with before. Thread-safe.
 */
final class Answers {
    private final LongAdder answered = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder mixed = new LongAdder();
    private final LongAdder acknowledged = new LongAdder();
    private final LongAdder impressions = new LongAdder();
    private final LongAdder withoutToken = new LongAdder();
    private final ConcurrentMap<String, String> digests = new ConcurrentHashMap<>();

    /** Counts an answer whose every part named {@code version}. */
    void answered(VersionRef version) {
        answered.increment();
        String name = version.getAdapter() + "@" + version.getNumber();
        String before = digests.putIfAbsent(name, version.getDigest());
        if (before != null && !before.equals(version.getDigest())) {
            mixed.increment();
        }
    }

    void mixed() {
        answered.increment();
        mixed.increment();
    }

    /** Counts feedback that a server said it has. */
    void acknowledged() {
        acknowledged.increment();
    }

    /** Counts an answer that carried a feedback token: the node gives one once it has recorded the impression. */
    void impression() {
        impressions.increment();
    }

    /** Counts an answer that no feedback can be sent for. */
    void withoutToken() {
        withoutToken.increment();
    }

    void failed() {
        failed.increment();
    }

    long acknowledgedCount() {
        return acknowledged.sum();
    }

    long impressionCount() {
        return impressions.sum();
    }

    long withoutTokenCount() {
        return withoutToken.sum();
    }

    long answeredCount() {
        return answered.sum();
    }

    long failedCount() {
        return failed.sum();
    }

    long mixedCount() {
        return mixed.sum();
    }
}
