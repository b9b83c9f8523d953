package dev.flywheel.app.setting;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The documentation of all settings of an adapter, {@code adapter-settings.yaml}, with the values that one is made with.
 *
 * <p>A comment speaks of the key right below it. What is said of a signal's key holds for that key of all signals.
 */
public final class SettingReference {
    private static final String FILE = "/dev/flywheel/app/adapter-settings.yaml";
    private static final String MADE_WITH = "${}";
    private static final String INDENT = "  ";
    private static final String FIRST_SIGNAL = "learning.click.";

    private final String text;
    private final Map<String, String> values;
    private final Map<String, String> comments = new LinkedHashMap<>();

    private SettingReference(String text, Map<String, String> values) {
        this.text = text;
        this.values = values;
    }

    /** Returns it with the values that an adapter has. */
    public static SettingReference of(AdapterRecord adapter) {
        Map<String, String> values = new LinkedHashMap<>(SettingLines.of(adapter));
        values.putAll(SettingLines.of("lora", adapter.getLora()));
        return filled(values);
    }

    private static SettingReference filled(Map<String, String> values) {
        List<String> lines = new ArrayList<>();
        Map<String, String> found = new LinkedHashMap<>();
        Deque<String> groups = new ArrayDeque<>();
        List<String> comment = new ArrayList<>();
        for (String line : raw().lines().toList()) {
            String word = line.strip();
            if (word.startsWith("#")) {
                comment.add(word.substring(1).strip());
                lines.add(line);
                continue;
            }
            if (!word.isEmpty()) {
                String path = enter(groups, line);
                if (!comment.isEmpty()) {
                    found.put(path, String.join(" ", comment));
                }
                lines.add(filled(line, shown(path, values)));
            } else {
                lines.add(line);
            }
            comment.clear();
        }
        SettingReference reference = new SettingReference(String.join("\n", lines) + "\n", values);
        reference.comments.putAll(found);
        return reference;
    }

    /** What an adapter may leave unset has no place for a value in the file. */
    private static String filled(String line, String value) {
        String with =
                line.contains(MADE_WITH) ? line.replace(MADE_WITH, value) : line + " " + value;
        return with.stripTrailing();
    }

    /** Follows the indentation down to a line's key, and returns its path. */
    private static String enter(Deque<String> groups, String line) {
        int depth = (line.length() - line.stripLeading().length()) / INDENT.length();
        while (groups.size() > depth) {
            groups.removeLast();
        }
        groups.addLast(line.strip().substring(0, line.strip().indexOf(':')));
        return String.join(".", groups);
    }

    private static String shown(String path, Map<String, String> values) {
        String value = values.getOrDefault(path, "");
        return value.contains(",") ? "[" + value.replace(",", ", ") + "]" : value;
    }

    private static String raw() {
        try (InputStream in = SettingReference.class.getResourceAsStream(FILE)) {
            if (in == null) {
                throw new IllegalStateException(FILE + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(FILE + " cannot be read", e);
        }
    }

    /** Returns the whole file, which is itself a file of settings. */
    public String text() {
        return text;
    }

    /** Returns what a setting does; empty if nothing is said of it. */
    public String effect(String path) {
        String own = comments.get(path);
        if (own != null || !path.startsWith("learning.")) {
            return own == null ? "" : own;
        }
        return comments.getOrDefault(FIRST_SIGNAL + path.substring(path.lastIndexOf('.') + 1), "");
    }

    /** Returns every setting that stands in it, by path. */
    public List<String> paths() {
        List<String> paths = new ArrayList<>();
        collect("", SettingFile.tree(text), paths);
        return paths;
    }

    private static void collect(String prefix, JsonNode tree, List<String> paths) {
        if (!tree.isObject()) {
            paths.add(prefix);
            return;
        }
        tree.properties()
                .forEach(each -> collect(
                        prefix.isEmpty() ? each.getKey() : prefix + "." + each.getKey(),
                        each.getValue(), paths));
    }

    /** Returns the value that a setting has here; null where it is unset. */
    public @Nullable String value(String path) {
        return values.get(path);
    }

    /** Returns what is in force where a setting that can be unset is: a setting of node or job, in words. */
    public static String inForceUnset(String path) {
        String last = path.substring(path.lastIndexOf('.') + 1);
        if (path.startsWith("learning.guard.")) {
            return "the tenant's guard profile";
        }
        if (path.equals("learning.negative_sampling_rate")) {
            return "loop." + last;
        }
        if (path.equals("learning.examined_places")) {
            return "all that were shown";
        }
        if (path.startsWith("learning.")) {
            return "signals." + path.substring("learning.".length()).replace("_millis", "");
        }
        if (path.startsWith("exploration.")) {
            return "serving.rank." + last;
        }
        return path.equals("quota.requests_max") ? "serving.requests_per_tenant_max" : "";
    }

    /** Returns the settings whose effect nobody has written down. */
    public List<String> unexplained() {
        return paths().stream()
                .filter(path -> effect(path).isEmpty())
                .toList();
    }
}
