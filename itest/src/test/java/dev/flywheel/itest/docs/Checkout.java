package dev.flywheel.itest.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files that a reader of this checkout sees. */
final class Checkout {
    private Checkout() {}

    /** Returns the checkout's folder, wherever the test was started in it. */
    static Path root() {
        Path start = Path.of("").toAbsolutePath();
        for (Path folder = start; folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve("mvnw")) && Files.exists(folder.resolve("README.md"))) {
                return folder;
            }
        }
        throw new IllegalStateException("no folder above " + start + " holds mvnw and README.md");
    }

    static String text(String file) {
        try {
            return Files.readString(root().resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the fenced blocks of a markdown file in the given language. */
    static List<String> blocks(String file, String language) {
        List<String> blocks = new ArrayList<>();
        Matcher block =
                Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$").matcher(text(file));
        while (block.find()) {
            blocks.add(block.group(1));
        }
        return blocks;
    }
}
