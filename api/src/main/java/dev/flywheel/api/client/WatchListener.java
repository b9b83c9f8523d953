package dev.flywheel.api.client;

import dev.flywheel.api.v1.WatchReply;
import io.grpc.StatusRuntimeException;

/**
 * Receives what a watch sees. Calls never overlap; a slow listener slows the stream down.
 *
 * <p>After an interruption the stream starts again with the state as it stands then: every event says how something is, so
 * applying one twice must change nothing.
 */
public interface WatchListener {

    /** The next event; {@code reply.getCommit()} never falls over the life of the watch. */
    void onEvent(WatchReply reply);

    /** The stream broke and will be resumed; until then the listener may be behind. */
    default void onInterrupted(StatusRuntimeException why) {}
}
