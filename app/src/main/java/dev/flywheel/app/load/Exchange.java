package dev.flywheel.app.load;

import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One request and what comes back. Times count from when it was due, not from when it was sent: a client that comes late because the
 * one before it waited has waited too. Used by one thread at a time, as gRPC calls observers.
 */
final class Exchange implements StreamObserver<GenerateReply> {
    private final Question question;
    private final long dueNanos;
    private final LongSupplier nanos;
    private final Consumer<Exchange> ended;
    private final List<Integer> tokens = new ArrayList<>();
    /** When each reply with tokens came. */
    private final List<Long> arrivals = new ArrayList<>();
    private @Nullable VersionRef version;
    private FinishReason finish = FinishReason.FINISH_REASON_UNSPECIFIED;
    private Status status = Status.OK;
    private boolean mixed;
    private long firstNanos;
    private long endNanos;

    /** @param ended is told once, when all has come */
    Exchange(Question question, long dueNanos, LongSupplier nanos, Consumer<Exchange> ended) {
        this.question = question;
        this.dueNanos = dueNanos;
        this.nanos = nanos;
        this.ended = ended;
    }

    @Override
    public void onNext(GenerateReply reply) {
        VersionRef before = version;
        mixed |= before != null && !before.equals(reply.getVersion());
        version = reply.getVersion();
        finish = reply.getFinishReason();
        if (reply.getTokenIdsCount() > 0) {
            tokensCame(nanos.getAsLong());
            tokens.addAll(reply.getTokenIdsList());
        }
    }

    private void tokensCame(long now) {
        if (tokens.isEmpty()) {
            firstNanos = now - dueNanos;
        }
        arrivals.add(now);
    }

    @Override
    public void onError(Throwable failure) {
        end(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
        end(finish == FinishReason.FINISH_REASON_UNSPECIFIED
                ? Status.DATA_LOSS.withDescription("the answer ended without a finish reason")
                : Status.OK);
    }

    private void end(Status how) {
        status = how;
        endNanos = nanos.getAsLong() - dueNanos;
        ended.accept(this);
    }

    Question question() {
        return question;
    }

    /** How it ended. */
    Status status() {
        return status;
    }

    /** Whether more than one version answered. */
    boolean mixed() {
        return mixed;
    }

    /** Who answered; the default instance if nobody did. */
    VersionRef version() {
        VersionRef known = version;
        return known == null ? VersionRef.getDefaultInstance() : known;
    }

    List<Integer> tokens() {
        return tokens;
    }

    /** From when it was due to its first token, nanoseconds; 0 without any. */
    long firstNanos() {
        return firstNanos;
    }

    /** Times between tokens, nanoseconds. */
    List<Long> gaps() {
        return IntStream.range(1, arrivals.size())
                .mapToObj(i -> arrivals.get(i) - arrivals.get(i - 1))
                .toList();
    }

    /** What others may know of it. */
    Answered answered() {
        return new Answered(question, version(), mixed, tokens, status, firstNanos, arrivals);
    }

    /** From when it was due to its end, nanoseconds. */
    long endNanos() {
        return endNanos;
    }

    /** Whether it came in time from the first token to the last. */
    boolean good(LoadSettings settings) {
        double gap = gaps().stream().mapToLong(Long::longValue).average().orElse(0);
        return status.isOk() && !tokens.isEmpty()
                && firstNanos <= settings.firstTokenTarget().toNanos()
                && gap <= settings.gapTarget().toNanos();
    }
}
