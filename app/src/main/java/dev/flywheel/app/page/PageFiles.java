package dev.flywheel.app.page;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of the page, read once. */
final class PageFiles {
    private static final String FOLDER = "/dev/flywheel/app/web/";
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");
    private static final Map<String, String> PLACES = Map.of(
            "/", "index.html",
            "/console/style.css", "style.css",
            "/console/main.js", "main.js",
            "/console/charts.js", "charts.js",
            "/console/dom.js", "dom.js",
            "/console/live.js", "live.js",
            "/console/registry.js", "registry.js",
            "/console/icon.svg", "icon.svg");

    private final Map<String, Answer> answers = new HashMap<>();

    PageFiles() {
        PLACES.forEach((path, file) -> answers.put(path, read(file)));
    }

    private static Answer read(String file) {
        try (InputStream in = PageFiles.class.getResourceAsStream(FOLDER + file)) {
            if (in == null) {
                throw new IllegalStateException("the program has no file " + FOLDER + file);
            }
            String type = TYPES.getOrDefault(file.substring(file.lastIndexOf('.') + 1), "");
            return new Answer(200, type, "no-cache", in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the file of a path, null if there is none. */
    @Nullable
    Answer at(String path) {
        return answers.get(path);
    }
}
