package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.feedback.token.TokenKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;

/** The file with the secrets that sign feedback tokens, made at the first start, readable by its owner only. */
public final class TokenKeyFile {
    private static final int SECRET_BYTES = 32;
    private static final String FIRST_KEY = "k1";

    private TokenKeyFile() {}

    /** Returns the file, made if there is none yet. */
    public static Path make(Path folder) {
        Path file = folder.resolve("token.keys");
        if (Files.exists(file)) {
            return file;
        }
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        try {
            // Moved into place whole, so that a crash leaves either no key or one.
            Path draft = folder.resolve("token.keys.new");
            Files.deleteIfExists(draft);
            Files.createFile(
                    draft,
                    PosixFilePermissions
                            .asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(draft, TokenKeys.format(FIRST_KEY, secret), StandardOpenOption.WRITE,
                    StandardOpenOption.SYNC);
            return Files.move(draft, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new StartException(
                    "token key file %s cannot be written (%s); see to the rights of its folder"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }
}
