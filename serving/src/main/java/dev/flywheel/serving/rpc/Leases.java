package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.settings.RequestSettings;
import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** What a request's scope and deadline come to: which version it leases, and until when. */
final class Leases {
    private static final String SERVING = "serving";

    private final ServedVersions versions;
    private final RequestSettings limits;
    private final LongSupplier nanos;

    Leases(ServedVersions versions, RequestSettings limits, LongSupplier nanos) {
        this.versions = versions;
        this.limits = limits;
        this.nanos = nanos;
    }

    long now() {
        return nanos.getAsLong();
    }

    /** Returns the time the caller leaves, on the node's monotonic clock. */
    long deadlineNanos() {
        Deadline deadline = Context.current().getDeadline();
        long left = deadline == null
                ? limits.deadline().toNanos()
                : Math.min(limits.deadlineMax().toNanos(),
                        deadline.timeRemaining(TimeUnit.NANOSECONDS));
        if (left <= 0) {
            throw ServingException.of(ErrorCode.DEADLINE,
                    "the deadline had passed when the request came");
        }
        return nanos.getAsLong() + left;
    }

    Lease lease(RequestScope scope, long deadlineNanos) {
        if (scope.getAdapter().isEmpty()) {
            return versions.leaseBase();
        }
        Duration patience = Duration.ofNanos(deadlineNanos - nanos.getAsLong());
        String tenant = RequestRules.tenantOf(scope);
        return scope.getVersionNumber() != 0
                ? versions.lease(tenant, scope.getAdapter(), scope.getVersionNumber(), patience)
                : versions.lease(tenant, scope.getAdapter(),
                        scope.getAlias().isEmpty() ? SERVING : scope.getAlias(), patience);
    }
}
