package dev.flywheel.app.oracle;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;

/** Sees to it that what is computed is never written among what it is compared with. */
final class DumpFolder {
    private DumpFolder() {}

    /**
     * Holds a folder to be written against the oracle.
     *
     * @throws StartException if anything would be written into the oracle, or into a case anywhere
     */
    static void requireApart(Path dump, Path oracle, Collection<String> ids) {
        Path cases = real(oracle);
        refuseInside(dump, dump, cases, oracle);
        for (String id : ids) {
            Path into = dump.resolve(id);
            refuseInside(dump, into, cases, oracle);
            if (Files.exists(into.resolve(OracleCase.MANIFEST))) {
                throw new StartException(
                        "--dump %s already holds the case %s; give another folder"
                                .formatted(dump, id));
            }
        }
    }

    private static void refuseInside(Path dump, Path into, Path cases, Path oracle) {
        if (real(into).startsWith(cases)) {
            throw new StartException(
                    "--dump %s lies inside the cases of %s; give a folder outside"
                            .formatted(dump, oracle));
        }
    }

    /** Returns a path without links, as far as it exists. */
    private static Path real(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        try {
            for (Path up = absolute; up != null; up = up.getParent()) {
                if (Files.exists(up)) {
                    return up.toRealPath().resolve(up.relativize(absolute)).normalize();
                }
            }
            return absolute;
        } catch (IOException e) {
            throw new StartException(
                    "folder %s cannot be used: %s".formatted(path, FileProblem.words(e)), e);
        }
    }
}
