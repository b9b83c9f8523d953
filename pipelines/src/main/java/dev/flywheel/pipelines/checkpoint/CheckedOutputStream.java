package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import java.util.zip.CRC32C;
import org.apache.flink.core.fs.FSDataOutputStream;

/** Ends a file with its checksum, unless a write has failed. For one thread. */
final class CheckedOutputStream extends FSDataOutputStream {
    private final FSDataOutputStream out;
    private final CRC32C crc = new CRC32C();
    private boolean failed;
    private boolean closed;

    CheckedOutputStream(FSDataOutputStream out) {
        this.out = out;
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
    }
}
