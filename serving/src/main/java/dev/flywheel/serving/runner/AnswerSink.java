package dev.flywheel.serving.runner;

import dev.flywheel.serving.error.ServingException;

/** Who reads a generated answer. Called by the loop's thread, in order; must not block. */
public interface AnswerSink {

    /** More of the answer: text that became certain, often empty, and the token behind it. */
    void token(DrawnToken token, String text);

    /** The answer is whole; nothing follows. */
    void end(Answer answer);

    /** There is no more of the answer; nothing follows. */
    void fail(ServingException why);
}
