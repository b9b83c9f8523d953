package dev.flywheel.engine.model;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.identity.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The SHA-256 over a base's files, each with its name and length, and over how its weights are held
 * unless that is as stored.
 */
final class BaseDigest {
    private static final int PIECE_BYTES = 1 << 18;

    private final List<Path> files;

    BaseDigest(List<Path> files) {
        this.files = List.copyOf(files);
    }

    /** Returns the bytes that {@link #of} reads. */
    long bytes() {
        try {
            long bytes = 0;
            for (Path file : files) {
                bytes += Files.size(file);
            }
            return bytes;
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Reads all files in pieces. */
    Digest of(WeightFormat format, LoadSteps steps) {
        Digest.Stream digest = Digest.stream();
        byte[] piece = new byte[PIECE_BYTES];
        try {
            for (Path file : files) {
                digest.field(String.valueOf(file.getFileName()));
                digest.field(Long.toString(Files.size(file)));
                try (InputStream in = Files.newInputStream(file)) {
                    for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
                        digest.update(piece, 0, read);
                        steps.advance(read);
                    }
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
        if (format != WeightFormat.STORED) {
            digest.field(format.identity());
        }
        return digest.finish();
    }

    private static ModelException unreadable(IOException e) {
        return new ModelException(
                ModelException.Code.UNREADABLE,
                "the model folder cannot be read (" + FileProblem.words(e) + ")", e);
    }
}
