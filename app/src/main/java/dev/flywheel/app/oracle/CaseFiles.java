package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.identity.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Holds a case's files against what its manifest says of them: name, existence, SHA-256. */
final class CaseFiles {
    private static final String FILES = "files";

    private CaseFiles() {}

    /** Notes every listed file that is missing or another than was listed, and a foreign id. */
    static void check(OracleCase at, Findings findings) {
        String id = at.text("id");
        if (!at.isNamed(id)) {
            findings.problem("manifest.json: id is %s, the folder is %s".formatted(id, at.id()));
        }
        JsonNode files = at.manifest().path(FILES);
        if (!files.isObject()) {
            findings.notCompared(FILES);
            return;
        }
        files.propertyStream()
                .forEach(entry -> check(at, entry.getKey(), entry.getValue(), findings));
    }

    private static void check(OracleCase at, String name, JsonNode said, Findings findings) {
        String expected = said.path("sha256").asText();
        try {
            Path file = at.folder().resolve(name);
            if (!Files.isRegularFile(file)) {
                findings.problem("files: " + name + " is missing");
            } else if (expected.isEmpty()) {
                findings.notCompared("files." + name);
            } else if (!Digest.ofFile(file).hex().equals(expected)) {
                findings.problem("files: " + name + " is not the one that was listed (sha256)");
            }
        } catch (InvalidPathException e) {
            findings.problem("files: " + Text.shown(name) + " is no file name");
        } catch (IOException e) {
            findings.problem("files: " + name + ": " + FileProblem.words(e));
        }
    }
}
