package dev.flywheel.app.bench.join;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs the bench in a JVM of its own, which is no matter of taste: the store's RocksDB and the one that Flink keeps state in
 * crash each other in one process. The store's is left out there, and Flink's is nowhere else.
 */
public final class JoinProcess {
    static final String SETTINGS = "settings.json";
    static final String FIGURES = "figures.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final Path rocksdbJars;

    /**
     * Prepares runs.
     *
     * @param folder for what a run leaves; the caller removes it
     * @param rocksdbJars folder of Flink's RocksDB state, which the build puts beside the application
     */
    public JoinProcess(Path folder, Path rocksdbJars) {
        this.folder = folder;
        this.rocksdbJars = rocksdbJars;
    }

    /**
     * Runs the bench once.
     *
     * @throws IllegalStateException if its process fails; what it said is on standard error
     */
    public JoinReport.Figures measure(JoinSettings settings) throws InterruptedException {
        try {
            Path own = Files.createDirectories(folder.resolve(settings.state().name()));
            JSON.writeValue(own.resolve(SETTINGS).toFile(), settings);
            int code = new ProcessBuilder(command(own))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start()
                    .waitFor();
            if (code != 0) {
                throw new IllegalStateException(
                        "the bench of %s state ended with exit code %d".formatted(settings.state(),
                                code));
            }
            return JSON.readValue(own.resolve(FIGURES).toFile(), JoinReport.Figures.class);
        } catch (IOException e) {
            throw new UncheckedIOException("the bench cannot be run: " + e.getMessage(), e);
        }
    }

    private List<String> command(Path own) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseParallelGC",
                "-Xmx3g"));
        String more = System.getenv("FLYWHEEL_JAVA_OPTS");
        if (more != null && !more.isBlank()) {
            command.addAll(Arrays.asList(more.strip().split("\\s+", -1)));
        }
        command.addAll(List.of("-cp", classPath(), JoinBench.class.getName(), own.toString()));
        return command;
    }

    private String classPath() throws IOException {
        Predicate<String> stores = entry -> Path.of(entry)
                .getFileName()
                .toString()
                .startsWith("rocksdbjni");
        Stream<String> ours = Arrays
                .stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(stores.negate());
        if (!Files.isDirectory(rocksdbJars)) {
            throw new IOException(
                    "there is no folder %s with Flink's RocksDB state; build with ./flywheel or mvn package"
                            .formatted(rocksdbJars));
        }
        try (Stream<Path> jars = Files.list(rocksdbJars)) {
            return Stream.concat(ours, jars.map(Path::toString))
                    .collect(Collectors.joining(File.pathSeparator));
        }
    }
}
