package dev.flywheel.app.oracle;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Some cases of the shared oracle, copied so that a fault can be planted; absent ones skip the test. */
final class OracleCopy {
    private static final ObjectMapper JSON = new ObjectMapper();
    final Path root;

    OracleCopy(Path root, String... cases) throws IOException {
        this.root = root;
        for (String id : cases) {
            copy(shared().resolve(id), root.resolve(id));
        }
    }

    /** Returns the shared oracle folder. */
    static Path shared() {
        String property = System.getProperty("flywheel.shared");
        if (property != null) {
            return Path.of(property).resolve("oracle");
        }
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.isDirectory(up.resolve("shared/oracle"))) {
                return up.resolve("shared/oracle");
            }
        }
        abort("SKIPPED: no folder shared/oracle beside the repository; set -Dflywheel.shared");
        throw new IllegalStateException();
    }

    /** Changes a JSON file of the copy. */
    void change(String file, Consumer<ObjectNode> change) throws IOException {
        Path path = root.resolve(file);
        ObjectNode content = (ObjectNode) JSON.readTree(Files.readAllBytes(path));
        change.accept(content);
        Files.write(path, JSON.writeValueAsBytes(content));
        list(path);
    }

    /** Puts a file's digest into the manifest that lists it, so that its content alone is at fault. */
    private void list(Path file) throws IOException {
        Path folder = file.getParent();
        while (!Files.exists(folder.resolve("manifest.json"))) {
            folder = folder.getParent();
        }
        Path manifest = folder.resolve("manifest.json");
        if (!manifest.equals(file)) {
            ObjectNode content = (ObjectNode) JSON.readTree(Files.readAllBytes(manifest));
            content.withObject("files")
                    .withObject("/" + folder.relativize(file).toString().replace("/", "~1"))
                    .put("sha256", Digest.ofFile(file).hex());
            Files.write(manifest, JSON.writeValueAsBytes(content));
        }
    }

    /** Changes one byte of the copy, counted from the file's end. */
    void flip(String file, int fromEnd, int mask) throws IOException {
        Path path = root.resolve(file);
        byte[] bytes = Files.readAllBytes(path);
        bytes[bytes.length - fromEnd] ^= (byte) mask;
        Files.write(path, bytes);
        list(path);
    }

    /** Removes a file of a case, from the manifest's list too. */
    void remove(String id, String file) throws IOException {
        Files.delete(root.resolve(id).resolve(file));
        change(id + "/manifest.json", manifest -> manifest.withObject("files").remove(file));
    }

    /** Drops tensors from a file of the copy. */
    void keepTensors(String file, Predicate<String> wanted) throws IOException {
        Path path = root.resolve(file);
        SafetensorsFile tensors = SafetensorsFile.read(path, 1 << 26);
        SafetensorsWriter kept = new SafetensorsWriter();
        tensors.names()
                .stream()
                .filter(wanted)
                .forEach(name -> kept.add(
                        name, tensors.floats(name),
                        tensors.shape(name).stream().mapToInt(Long::intValue).toArray()));
        Files.write(path, kept.toBytes());
        list(path);
    }

    CaseReport judge(String id) {
        return judge(root, id, "cpu").cases().getFirst();
    }

    static OracleReport judge(Path root, String prefix, String backendName) {
        return judge(root, prefix, backendName, null);
    }

    static OracleReport judge(
            Path root, String prefix, String backendName,
            @org.jspecify.annotations.Nullable Path dump) {
        try (Backend backend = Backends.open(backendName, 1)) {
            return new OracleRun(root, prefix, backend, dump, () -> 0).run(new Silent());
        }
    }

    static List<String> failures(OracleReport report) {
        return report.cases()
                .stream()
                .filter(c -> c.outcome() == Outcome.FAIL)
                .map(CaseReport::line)
                .toList();
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.isDirectory(from)) {
            abort("SKIPPED: no oracle case " + from.getFileName() + " in the shared folder");
        }
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        }
    }

    private static final class Silent implements OracleRun.Watcher {
        @Override
        public void begins(String id, int done) {}

        @Override
        public void judged(CaseReport report) {}
    }
}
