package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import org.apache.flink.core.fs.BlockLocation;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.fs.local.LocalFileSystem;

/**
 * This machine's disk, each file with a checksum at its end: Flink's own checkpoint files have none, so a bit that flips in one
 * would come back as an offset or a label. A file is verified whole before anything of it is read. Thread-safe.
 *
 * <p>For checkpoints on one machine; what lies in an object store is checked by that.
 */
public final class CheckedFileSystem extends FileSystem {
    /** Of URIs that name a file here. */
    public static final String SCHEME = "checked";

    private final LocalFileSystem files = new LocalFileSystem();

    /** Returns how Flink is told of a folder or file. */
    public static URI uri(java.nio.file.Path path) {
        return URI.create(SCHEME + ":" + path.toUri().getRawPath());
    }

    @Override
    public URI getUri() {
        return URI.create(SCHEME + ":///");
    }

    @Override
    public FSDataInputStream open(Path path) throws IOException {
        long length = Checksum.verify(files.pathToFile(path).toPath());
        return new CheckedInputStream(files.open(path), length);
    }

    @Override
    public FSDataInputStream open(Path path, int bufferSize) throws IOException {
        return open(path);
    }

    @Override
    public FSDataOutputStream create(Path path, WriteMode mode) throws IOException {
        if (mode == WriteMode.NO_OVERWRITE && exists(path)) {
            throw new FileAlreadyExistsException("checkpoint file " + path + " exists");
        }
        Path part = new Path(path.getParent(), CheckedOutputStream.part(path.getName()));
        return new CheckedOutputStream(files.create(part, WriteMode.OVERWRITE),
                files.pathToFile(part).toPath(), files.pathToFile(path).toPath());
    }

    @Override
    public Path getWorkingDirectory() {
        return files.getWorkingDirectory();
    }

    @Override
    public Path getHomeDirectory() {
        return files.getHomeDirectory();
    }

    @Override
    public FileStatus getFileStatus(Path path) throws IOException {
        return files.getFileStatus(path);
    }

    @Override
    public BlockLocation[] getFileBlockLocations(FileStatus file, long start, long length)
            throws IOException {
        return files.getFileBlockLocations(file, start, length);
    }

    @Override
    public FileStatus[] listStatus(Path path) throws IOException {
        return files.listStatus(path);
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        return files.delete(path, recursive);
    }

    @Override
    public boolean mkdirs(Path path) throws IOException {
        return files.mkdirs(path);
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        return files.rename(from, to);
    }

    @Override
    public boolean isDistributedFS() {
        return files.isDistributedFS();
    }
}
