package dev.flywheel.adapters.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileProblemTest {
    @TempDir Path folder;

    @Test
    void whatTheSystemRefusesIsSaidInWords() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");

        assertThat(words(() -> Files.readAllBytes(folder.resolve("none"))))
                .isEqualTo("does not exist");
        assertThat(words(() -> Files.readAllBytes(folder))).isEqualTo("is a folder");
        assertThat(words(() -> Files.writeString(folder, "x"))).isEqualTo("is a folder");
        assertThat(words(() -> Files.newDirectoryStream(file))).isEqualTo("not a folder");
        Path latin = Files.write(folder.resolve("latin"), new byte[] {(byte) 0xe9});
        assertThat(words(() -> Files.readString(latin))).isEqualTo("not UTF-8");
        assertThat(words(() -> Files.createDirectories(file)))
                .isEqualTo("a file of that name exists");
        assertThat(words(() -> Files.createDirectories(file.resolve("a"))))
                .isEqualTo("part of its path is not a folder");
    }

    @Test
    void aFullDiskAndMissingRightsAreSaidInWords() {
        assertThat(FileProblem.words(new IOException("No space left on device")))
                .isEqualTo("disk full");
        assertThat(
                FileProblem.words(new FileSystemException("f", null, "No space left on device")))
                .isEqualTo("disk full");
        assertThat(FileProblem.words(new AccessDeniedException("f"))).isEqualTo("no permission");
    }

    @Test
    void whatIsNotKnownKeepsItsOwnWords() {
        assertThat(FileProblem.words(new IOException("Input/output error")))
                .isEqualTo("Input/output error");
        assertThat(FileProblem.words(new FileSystemException("f", null, "Stale file handle")))
                .isEqualTo("Stale file handle");
        assertThat(FileProblem.words(new IOException())).isEqualTo("the system gives no reason");
    }

    private static String words(ThrowingCallable call) {
        return FileProblem.words(catchThrowableOfType(IOException.class, call));
    }
}
