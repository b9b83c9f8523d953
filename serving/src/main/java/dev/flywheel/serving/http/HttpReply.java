package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** The way back to one client, for one answer: whole, or as a stream of events. Thread-safe. */
interface HttpReply {
    /** Answers, whole. */
    void answer(int status, JsonNode json, Map<String, String> headers);

    /** Refuses; within a stream as its last event, which cuts the connection off. */
    void refuse(HttpFailure why);

    /** Begins a stream. */
    void begin(Map<String, String> headers);

    /** Sends an event of the stream. */
    void event(String data);

    /** Ends the stream. */
    void end();

    /** Whether what is sent now leaves soon: the connection holds next to nothing that waits for the client. */
    boolean isReady();

    /** @param ready runs whenever the connection is ready again */
    void onReady(Runnable ready);

    /** @param gone runs once if the client leaves before the answer is over, also if it has left already */
    void onGone(Runnable gone);

    boolean isGone();
}
