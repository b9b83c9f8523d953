package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The cases below a folder, found by their manifests.
 *
 * <p>The index is believed in one thing: that a case it lists ought to be there. Order, kinds and
 * whatever else it says are not read.
 */
final class OracleFolder {
    private static final String INDEX = "INDEX.json";
    private static final int DEPTH_MAX = 4;

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

    /** A case folder itself was named: its id is its last two names. */
    private static SortedMap<String, Path> nameOf(Path root, String prefix) {
        Path real = root.toAbsolutePath().normalize();
        int names = real.getNameCount();
        String id = real.subpath(Math.max(0, names - 2), names).toString().replace('\\', '/');
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
        try (Stream<Path> files = Files.walk(root, DEPTH_MAX)) {
            files.filter(file -> file.endsWith(OracleCase.MANIFEST) && Files.isRegularFile(file))
                    .map(file -> root.relativize(file.resolveSibling("")).normalize())
                    .forEach(folder -> ids.add(folder.toString().replace('\\', '/')));
        } catch (IOException | UncheckedIOException e) {
            throw new StartException("oracle folder %s cannot be read: %s".formatted(root, e), e);
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
            throw new StartException("oracle folder: " + e.getMessage(), e);
        }
        String format = content.path("format").asText();
        if (!format.equals(OracleCase.FORMAT)) {
            throw new StartException(
                    "%s has format \"%s\", understood is %s"
                            .formatted(index, format, OracleCase.FORMAT));
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
}
