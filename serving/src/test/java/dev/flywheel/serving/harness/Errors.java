package dev.flywheel.serving.harness;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** What a refusal says, as its client sees it. */
public final class Errors {
    private Errors() {}

    /** Returns the status that a call fails with. */
    public static StatusRuntimeException of(Runnable call) {
        StatusRuntimeException refused =
                catchThrowableOfType(StatusRuntimeException.class, call::run);
        if (refused == null) {
            throw new AssertionError("the call was answered, a refusal was expected");
        }
        return refused;
    }

    /** Returns the detail of a type. */
    public static <M extends Message> M detail(StatusRuntimeException refused, Class<M> type) {
        for (Any any : StatusProto.fromThrowable(refused).getDetailsList()) {
            if (any.is(type)) {
                try {
                    return any.unpack(type);
                } catch (InvalidProtocolBufferException e) {
                    throw new AssertionError(e);
                }
            }
        }
        throw new AssertionError("no " + type.getSimpleName() + " in " + refused);
    }
}
