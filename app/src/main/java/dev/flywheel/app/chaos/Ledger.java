package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.FeedbackKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** What clients were told is taken: on disk, synced, before a client goes on. Thread-safe; the caller closes it. */
final class Ledger implements AutoCloseable {
    private final FileChannel file;
    private final Map<FeedbackKey, Long> acknowledged = new LinkedHashMap<>();

    Ledger(Path path) throws IOException {
        this.file = FileChannel.open(path, StandardOpenOption.CREATE,
                StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    /** Notes that an event was acknowledged; once, however often it was. */
    synchronized void acknowledged(FeedbackKey key, long nowMillis) {
        if (acknowledged.putIfAbsent(key, nowMillis) != null) {
            return;
        }
        String line = nowMillis + " " + key.getSource() + " " + key.getFeedbackId() + "\n";
        try {
            ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                int unused = file.write(bytes);
            }
            file.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException("the ledger cannot be written", e);
        }
    }

    synchronized boolean has(FeedbackKey key) {
        return acknowledged.containsKey(key);
    }

    /** Returns when each event was acknowledged, milliseconds since 1970. */
    synchronized Map<FeedbackKey, Long> acknowledged() {
        return Map.copyOf(acknowledged);
    }

    synchronized int size() {
        return acknowledged.size();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
