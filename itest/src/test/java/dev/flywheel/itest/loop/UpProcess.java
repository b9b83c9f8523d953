package dev.flywheel.itest.loop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code up} as the launcher starts it, in a process of its own; closing kills it. */
final class UpProcess implements AutoCloseable {
    private final Path folder;
    private final Process process;

    private UpProcess(Path folder, Process process) {
        this.folder = folder;
        this.process = process;
    }

    /**
     * Starts it.
     *
     * @param folder keeps the data folder and what the process prints
     * @param settings yaml laid over the defaults; ports are free ones unless it says otherwise
     */
    static UpProcess start(Path folder, String settings, String... options) throws IOException {
        Path config = Files.writeString(folder.resolve("flywheel.yaml"), settings);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--add-modules=jdk.incubator.vector",
                        "-XX:+UseSerialGC",
                        "-Xmx1g",
                        // A library of the tests brings a configuration of its own, which logs nothing.
                        "-Dlog4j2.configurationFile=log4j2.properties",
                        "-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("tmp")),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.flywheel.app.FlywheelCommand",
                        "up",
                        "--data",
                        folder.resolve("data").toString(),
                        "--model",
                        BuiltInBase.folder().toString(),
                        "--config",
                        config.toString()));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("RUST_FLAVOR", "cpu");
        Process process =
                builder.redirectOutput(folder.resolve("out.log").toFile())
                        .redirectError(folder.resolve("err.log").toFile())
                        .start();
        return new UpProcess(folder, process);
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    Process process() {
        return process;
    }

    /** Where everything in {@code java.io.tmpdir} is. */
    Path temporary() {
        return folder.resolve("tmp");
    }

    Path data() {
        return folder.resolve("data");
    }

    /** What it has printed on standard output so far. */
    String out() {
        return read("out.log");
    }

    /** What it has printed on standard error so far. */
    String err() {
        return read("err.log");
    }

    private String read(String file) {
        try {
            return Files.readString(folder.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until standard output holds {@code text}, or fails with what it printed if the process ends before. */
    void awaitOut(String text) {
        LoopClient.await("up prints " + text, () -> {
            if (!process.isAlive() && !out().contains(text)) {
                throw new AssertionError("up has ended: " + out() + err());
            }
            return out().contains(text);
        });
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }
}
