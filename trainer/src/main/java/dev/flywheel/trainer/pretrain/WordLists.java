package dev.flywheel.trainer.pretrain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The word lists that lie beside this class: lines of {@code name: word, word, ...}. */
final class WordLists {
    private final List<Map<String, List<String>>> blocks = new ArrayList<>();

    private WordLists(String text) {
        Map<String, List<String>> block = new LinkedHashMap<>();
        for (String line : text.lines().toList()) {
            if (line.isBlank()) {
                if (!block.isEmpty()) {
                    blocks.add(block);
                    block = new LinkedHashMap<>();
                }
            } else if (!line.startsWith("#")) {
                int colon = line.indexOf(':');
                String[] words = line.substring(colon + 1).strip().split("\\s*,\\s*", -1);
                block.put(line.substring(0, colon), List.of(words));
            }
        }
        if (!block.isEmpty()) {
            blocks.add(block);
        }
    }

    static WordLists load(String resource) {
        try (InputStream in = WordLists.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("resource " + resource + " is not in the jar");
            }
            return new WordLists(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the blocks, which blank lines separate. */
    List<Map<String, List<String>>> blocks() {
        return blocks;
    }

    /** Returns a list of the first block. */
    List<String> words(String name) {
        return list(blocks.getFirst(), name);
    }

    static List<String> list(Map<String, List<String>> block, String name) {
        List<String> words = block.get(name);
        if (words == null) {
            throw new IllegalStateException("word list " + name + " is missing");
        }
        return words;
    }
}
