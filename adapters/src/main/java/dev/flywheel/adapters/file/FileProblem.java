package dev.flywheel.adapters.file;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Says in words why a file or folder could not be used: the kind of an exception tells a user nothing. */
public final class FileProblem {
    /** What the operating system says when the kind of the exception does not tell; part of its words, and ours. */
    private static final Map<String, String> OF_SYSTEM =
            Map.of(
                    "No such file or directory", "does not exist",
                    "Permission denied", "no permission",
                    "Operation not permitted", "no permission",
                    "Not a directory", "part of its path is not a folder",
                    "Is a directory", "is a folder",
                    "No space left on device", "disk full",
                    "Disk quota exceeded", "disk full",
                    "Read-only file system", "disk is read-only",
                    "File name too long", "name too long");

    private FileProblem() {}

    /** Returns the cause in a few words without the file's name, to stand in a sentence that names it. */
    public static String words(IOException e) {
        if (e instanceof NoSuchFileException) {
            return "does not exist";
        }
        if (e instanceof AccessDeniedException) {
            return "no permission";
        }
        if (e instanceof NotDirectoryException) {
            return "not a folder";
        }
        if (e instanceof FileAlreadyExistsException) {
            return "a file of that name exists";
        }
        if (e instanceof DirectoryNotEmptyException) {
            return "not empty";
        }
        if (e instanceof CharacterCodingException) {
            return "not UTF-8";
        }
        return ofSystem(
                e instanceof FileSystemException other ? other.getReason() : e.getMessage());
    }

    private static String ofSystem(@Nullable String said) {
        if (said == null) {
            return "the system gives no reason";
        }
        return OF_SYSTEM.entrySet()
                .stream()
                .filter(known -> said.contains(known.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(said);
    }
}
