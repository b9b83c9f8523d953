package dev.flywheel.pipelines.checkpoint;

import java.net.URI;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.FileSystemFactory;

/** By which Flink finds {@link CheckedFileSystem}. */
public final class CheckedFileSystemFactory implements FileSystemFactory {
    @Override
    public String getScheme() {
        return CheckedFileSystem.SCHEME;
    }

    @Override
    public FileSystem create(URI uri) {
        return new CheckedFileSystem();
    }
}
