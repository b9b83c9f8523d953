package dev.flywheel.store.rpc;

import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.Decision;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;

/** Ends unary calls: with what a read returns, or with what the rules decide. */
final class Replies {

    private Replies() {}

    static <R> void read(StreamObserver<R> out, Callable<R> read) {
        tolerateCancel(out);
        answer(out, read);
    }

    /** For what takes a while: the call's own thread does not wait. */
    static <R> void readLater(StreamObserver<R> out, Executor executor, Callable<R> read) {
        tolerateCancel(out); // gRPC takes no handler any more once the call's thread has gone
        executor.execute(() -> answer(out, read));
    }

    private static <R> void answer(StreamObserver<R> out, Callable<R> read) {
        R reply;
        try {
            reply = read.call();
        } catch (Exception failure) {
            out.onError(Errors.of(failure));
            return;
        }
        out.onNext(reply);
        out.onCompleted();
    }

    /** Checks, submits, and answers once the decision is durable; no thread waits for that. */
    static <R> void decide(StreamObserver<R> out, Committer committer, Runnable check,
            Command<R> command) {
        tolerateCancel(out);
        try {
            check.run();
        } catch (RuntimeException refused) {
            out.onError(Errors.of(refused));
            return;
        }
        var unused = committer.submit(command).whenComplete((decision, failure) -> {
            if (failure != null) {
                out.onError(Errors.of(failure));
            } else {
                answer(out, decision);
            }
        });
    }

    /** Without a handler, answering a call that was cancelled meanwhile would throw. */
    private static void tolerateCancel(StreamObserver<?> out) {
        ((ServerCallStreamObserver<?>) out).setOnCancelHandler(() -> {});
    }

    private static <R> void answer(StreamObserver<R> out, Decision<R> decision) {
        switch (decision) {
            case Decision.Refused<R> refused -> out.onError(Errors.of(refused.refusal()));
            case Decision.Accepted<R> accepted -> {
                out.onNext(accepted.reply());
                out.onCompleted();
            }
        }
    }
}
