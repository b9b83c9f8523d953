package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The cases below a folder, found by their manifests.
 *
 * <p>The index is believed in one thing: that a case it lists ought to be there. Order, kinds and
 * whatever else it says are not read, and a case that it does not list is one all the same. Links to
 * folders are followed.
 */
final class OracleFolder {
    private static final String INDEX = "INDEX.json";

    private OracleFolder() {}

    /**
     * Returns the folders of the cases whose id begins with {@code prefix}, by id; a listed one may
     * be missing.
     */
    static SortedMap<String, Path> find(Path root, String prefix) {
        if (!Files.isDirectory(root)) {
            throw new StartException(
                    "oracle folder %s is no folder; name one with an %s".formatted(root, INDEX));
        }
        SortedMap<String, Path> cases = new TreeMap<>();
        for (String id : ids(root)) {
            cases.put(id, id.isEmpty() ? root : root.resolve(id));
        }
        if (cases.size() == 1 && cases.containsKey("")) {
            return nameOf(root, prefix);
        }
        cases.keySet().removeIf(id -> !id.startsWith(prefix));
        if (cases.isEmpty()) {
            throw new StartException(
                    "no case below %s has an id that begins with %s".formatted(root, prefix));
        }
        return cases;
    }

    /**
     * A case folder itself was named: its id is what its manifest says if that ends with the folder's
     * name, for it may have been copied without its parents; else its last two names.
     */
    private static SortedMap<String, Path> nameOf(Path root, String prefix) {
        Path real = root.toAbsolutePath().normalize();
        int names = real.getNameCount();
        String id = names == 0 ? "" : slashes(real.subpath(Math.max(0, names - 2), names));
        String said = claimed(root);
        if (isPlain(said) && real.endsWith(Path.of(said).getFileName())) {
            id = said;
        }
        if (!id.startsWith(prefix)) {
            throw new StartException(
                    "%s is the case %s, which does not begin with %s".formatted(root, id, prefix));
        }
        SortedMap<String, Path> one = new TreeMap<>();
        one.put(id, root);
        return one;
    }

    private static SortedSet<String> ids(Path root) {
        SortedSet<String> ids = new TreeSet<>();
        try {
            Files.walkFileTree(
                    root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE,
                    new Manifests(root, ids));
        } catch (IOException e) {
            throw new StartException(
                    "oracle folder %s cannot be read: %s".formatted(root, FileProblem.words(e)), e);
        }
        Path index = root.resolve(INDEX);
        if (Files.isRegularFile(index)) {
            listed(index, ids);
        } else if (ids.isEmpty()) {
            throw new StartException(
                    "oracle folder %s has neither an %s nor a case (a folder with a %s)"
                            .formatted(root, INDEX, OracleCase.MANIFEST));
        }
        return ids;
    }

    private static void listed(Path index, SortedSet<String> ids) {
        JsonNode content;
        try {
            content = OracleCase.parse(index);
        } catch (BadCaseException e) {
            throw new StartException("oracle folder: " + Refusals.line(e), e);
        }
        String format = content.path("format").asText();
        if (!format.equals(OracleCase.FORMAT)) {
            throw new StartException(
                    "%s has format \"%s\", understood is %s"
                            .formatted(index, format, OracleCase.FORMAT));
        }
        if (!content.path("cases").isArray()) {
            throw new StartException(
                    "%s: cases is %s, expected a list"
                            .formatted(index, Entries.shown(content.path("cases"))));
        }
        for (JsonNode entry : content.path("cases")) {
            String id = entry.path("id").asText();
            if (!isPlain(id)) {
                throw new StartException(
                        "%s lists the case \"%s\", expected a path below the folder"
                                .formatted(index, id));
            }
            ids.add(id);
        }
    }

    private static boolean isPlain(String id) {
        try {
            Path path = Path.of(id);
            return !id.isBlank() && !path.isAbsolute() && path.normalize().equals(path)
                    && !path.startsWith("..");
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static String slashes(Path path) {
        return path.toString().replace('\\', '/');
    }

    private static String claimed(Path root) {
        try {
            return OracleCase.parse(root.resolve(OracleCase.MANIFEST)).path("id").asText();
        } catch (BadCaseException e) {
            return ""; // told when the case is judged
        }
    }

    /** Collects the folders that hold a manifest, a broken one too. */
    private static final class Manifests extends SimpleFileVisitor<Path> {
        private final Path root;
        private final SortedSet<String> ids;

        Manifests(Path root, SortedSet<String> ids) {
            this.root = root;
            this.ids = ids;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.endsWith(OracleCase.MANIFEST)) {
                ids.add(slashes(root.relativize(file.resolveSibling("")).normalize()));
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof FileSystemLoopException) {
                return FileVisitResult.CONTINUE; // a link to a folder above: its cases are found there
            }
            throw e;
        }
    }
}
