package dev.flywheel.pipelines.round;

import java.io.Serial;
import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/**
 * Another writer has taken over an adapter. The job ends and is not restarted: a restart would take the adapter back, and two
 * jobs would do so in turns.
 */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
public final class EpochLostException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    EpochLostException(String message) {
        super(message);
    }
}
