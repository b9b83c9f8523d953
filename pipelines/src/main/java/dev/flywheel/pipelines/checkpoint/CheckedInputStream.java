package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import org.apache.flink.core.fs.FSDataInputStream;

/** A file without the checksum that it ends with. For one thread. */
final class CheckedInputStream extends FSDataInputStream {
    private final FSDataInputStream in;
    private final long length;

    /** @param length of the file without its checksum, which was verified */
    CheckedInputStream(FSDataInputStream in, long length) {
        this.in = in;
        this.length = length;
    }

    @Override
    public void seek(long position) throws IOException {
        in.seek(position);
    }

    @Override
    public long getPos() throws IOException {
        return in.getPos();
    }

    @Override
    public int read() throws IOException {
        return in.getPos() < length ? in.read() : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int count) throws IOException {
        long left = length - in.getPos();
        if (count == 0) {
            return 0;
        }
        return left <= 0 ? -1 : in.read(bytes, offset, (int) Math.min(count, left));
    }

    @Override
    public int available() throws IOException {
        return (int) Math.min(in.available(), Math.max(0, length - in.getPos()));
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
