package dev.flywheel.serving.http;

import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.function.Supplier;

/** Answers a Generate request, whichever transport it came by. */
@FunctionalInterface
public interface Generation {
    /**
     * Checks, leases, admits, and lets the answer come; what goes wrong is told to {@code out}, as a status.
     *
     * @param ids gives the tokens that the prompt is read as; asked for once the version is leased
     */
    void generate(GenerateRequest request, Supplier<int[]> ids,
            ServerCallStreamObserver<GenerateReply> out);
}
