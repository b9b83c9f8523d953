package dev.flywheel.app.local;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file beside the store that is there while it is open: found at a start, whoever had the store open ended without closing it. That
 * loses nothing that was acknowledged; it is told, since somebody killed a store, or something did.
 */
final class OpenMark implements AutoCloseable {
    private final Path file;
    private final boolean unclean;
    private volatile boolean opened;

    OpenMark(Path store, MeterRegistry meters) {
        this.file = store.resolveSibling(store.getFileName() + ".open");
        try {
            this.unclean = Files.exists(file);
            if (!unclean) {
                Files.createFile(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("file " + file + " cannot be written", e);
        }
        Gauge.builder("flywheel.store.opened.unclean", () -> unclean ? 1 : 0)
                .description("1 if the store had not been closed when it was opened last, else 0")
                .register(meters);
    }

    /** The store is open: whether it is closed is known from now on. */
    void opened() {
        opened = true;
    }

    @Override
    public void close() throws IOException {
        if (opened || !unclean) {
            Files.deleteIfExists(file);
        }
    }
}
