package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.CRC32C;
import org.apache.flink.core.fs.FSDataOutputStream;

/**
 * Ends a file with its checksum, and puts it in its place in one move, unless a write has failed: under its own name there is the
 * whole file or none. For one thread.
 */
final class CheckedOutputStream extends FSDataOutputStream {
    private static final String PART = ".part";

    private final FSDataOutputStream out;
    private final Path part;
    private final Path file;
    private final CRC32C crc = new CRC32C();
    private boolean failed;
    private boolean closed;

    /**
     * @param out writes {@code part}
     * @param file what it is moved to
     */
    CheckedOutputStream(FSDataOutputStream out, Path part, Path file) {
        this.out = out;
        this.part = part;
        this.file = file;
    }

    /** Returns the name of a file until it is whole. */
    static String part(String name) {
        return name + PART;
    }

    /** Whether a file was never finished. */
    static boolean isPart(Path path) {
        return path.toString().endsWith(PART);
    }

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        boolean before = failed;
        failed = true;
        out.write(bytes, offset, length);
        crc.update(bytes, offset, length);
        failed = before;
    }

    @Override
    public long getPos() throws IOException {
        return out.getPos();
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void sync() throws IOException {
        out.sync();
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try (out) {
            if (!failed) {
                out.write(Checksum.end(out.getPos(), crc));
            }
        }
        if (failed) {
            Files.deleteIfExists(part);
        } else {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
