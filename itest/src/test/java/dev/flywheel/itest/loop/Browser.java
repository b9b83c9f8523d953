package dev.flywheel.itest.loop;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium of this machine, as a reader of a page. */
final class Browser {
    private static final List<String> NAMES =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

    private final String program;
    private final Path folder;

    /** What a page came to: its elements as text, and what it wrote to the console. */
    record Page(String dom, List<String> said) {}

    private Browser(String program, Path folder) {
        this.program = program;
        this.folder = folder;
    }

    /** Returns the browser, if there is one. */
    static Optional<Browser> find(Path folder) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .flatMap(place -> NAMES.stream().map(Path.of(place)::resolve))
                .filter(Files::isExecutable)
                .findFirst()
                .map(found -> new Browser(found.toString(), folder));
    }

    /** Opens a page, lets its timers run for so long, and returns what stands there. */
    Page open(String url, int millis) throws IOException, InterruptedException {
        Path dom = folder.resolve("dom.html");
        List<String> said = run(dom, url, millis, "--dump-dom");
        return new Page(Files.readString(dom), said);
    }

    /** Takes a picture of a page into a PNG file. */
    List<String> picture(String url, int millis, int width, int height, Path png)
            throws IOException, InterruptedException {
        return run(folder.resolve("out"), url, millis, "--hide-scrollbars",
                "--window-size=" + width + "," + height, "--screenshot=" + png.toAbsolutePath());
    }

    private List<String> run(Path out, String url, int millis, String... options)
            throws IOException, InterruptedException {
        Path log = folder.resolve("browser.log");
        List<String> command = new ArrayList<>(List.of(program, "--headless=new", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
                "--user-data-dir=" + folder.resolve("profile"),
                "--virtual-time-budget=" + millis));
        command.addAll(List.of(options));
        command.add(url);
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(log.toFile())
                .start();
        if (!process.waitFor(90, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the browser does not end: " + Files.readString(log));
        }
        return Files.readString(log, StandardCharsets.ISO_8859_1)
                .lines()
                .filter(line -> line.toUpperCase(Locale.ROOT).contains(":CONSOLE"))
                .toList();
    }
}
