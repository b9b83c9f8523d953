package dev.flywheel.pipelines.round;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Repeats a call, which must be idempotent, for as long as it fails for a reason that passes. Used by one thread. */
final class PatientCalls {
    private static final Logger log = LoggerFactory.getLogger(PatientCalls.class);

    private final String adapter;
    private final RoundPace pace;
    private final RoundServers servers;
    private final DriverHost host;

    PatientCalls(String adapter, RoundPace pace, RoundServers servers, DriverHost host) {
        this.adapter = adapter;
        this.pace = pace;
        this.servers = servers;
        this.host = host;
    }

    /**
     * Makes a call.
     *
     * @param what its name in logs
     * @param failed told of a failure that does not pass
     */
    <T> void call(
            String what, Supplier<CompletableFuture<T>> call, Consumer<T> done,
            Consumer<CallFailure> failed) {
        attempt(what, call, done, failed, CallFailure::passing, 1);
    }

    /** As {@link #call}, but for one that may take up its deadline: then {@code failed} is told. */
    <T> void callInTime(
            String what, Supplier<CompletableFuture<T>> call, Consumer<T> done,
            Consumer<CallFailure> failed) {
        attempt(what, call, done, failed, failure -> failure.passing() && !failure.outOfTime(), 1);
    }

    private <T> void attempt(
            String what,
            Supplier<CompletableFuture<T>> call,
            Consumer<T> done,
            Consumer<CallFailure> failed,
            Predicate<CallFailure> repeated,
            int attempt) {
        host.when(call.get(), done, failure -> {
            if (!repeated.test(failure)) {
                failed.accept(failure);
                return;
            }
            if (attempt == 1 || attempt % 10 == 0) {
                log.warn("{} failed, trying again adapter={} attempt={} {}", what, adapter, attempt,
                        failure);
            }
            host.after(pace.backoff(attempt), () -> {
                servers.reconnect();
                attempt(what, call, done, failed, repeated, attempt + 1);
            });
        });
    }
}
