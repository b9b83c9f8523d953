package dev.flywheel.app.cli;

import dev.flywheel.app.local.Closing;
import java.io.PrintWriter;

/**
 * Closes in order whatever a command has started: when the command ends, and when the process is told to stop (Ctrl-C,
 * SIGTERM), be it while things still start.
 */
final class StopHook implements AutoCloseable {
    private final Closing closing = new Closing();
    private final Thread hook;

    /**
     * Begins to listen for the end of the process.
     *
     * @param err where a stop is announced
     */
    StopHook(PrintWriter err) {
        hook = new Thread(() -> stop(err), "stop");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Takes over what is to be closed. */
    Closing closing() {
        return closing;
    }

    private void stop(PrintWriter err) {
        err.println("draining...");
        err.flush();
        closing.close();
        err.println("stopped");
        err.flush();
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process stops already; closing waits for the hook to have done it.
        }
        closing.close();
    }
}
