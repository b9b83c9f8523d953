package dev.flywheel.engine.device;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;

/** Opens a backend by the name that the configuration gives it. */
public final class Backends {
    /** Packed weights that a CPU backend keeps: all of a small base, the first layers of others. */
    private static final long PANEL_BYTES_MAX = 256L << 20;

    /** Part of the heap that packed weights may take; the rest is for requests and training. */
    private static final int HEAP_PARTS = 4;

    private Backends() {}

    /**
     * Opens a backend; the caller closes it after all of its buffers and streams.
     *
     * @param name {@code cpu} or {@code reference}
     * @param threads threads that one call may use, at least 1
     */
    public static Backend open(String name, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, got " + threads);
        }
        return switch (name) {
            case "reference" -> new ReferenceBackend();
            case "cpu" -> new CpuBackend(threads, panelBytes());
            default -> throw new IllegalArgumentException(
                    "no backend is called " + name + "; choose cpu or reference");
        };
    }

    private static long panelBytes() {
        return Math.min(PANEL_BYTES_MAX, Runtime.getRuntime().maxMemory() / HEAP_PARTS);
    }
}
