package dev.flywheel.app.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Reads the settings and their reasons out of the text of {@code reference.yaml}.
 *
 * <p>A comment speaks of the keys right below it; one above a group, of those keys in it that have none of their own.
 */
final class SettingsReader {
    private final JsonNode values;
    private final Deque<Group> groups = new ArrayDeque<>();
    private final List<String> comment = new ArrayList<>();
    private final List<Setting> settings = new ArrayList<>();
    private boolean commentIsOver;

    private record Group(int indent, String name, JsonNode values, String reason) {}

    private SettingsReader(JsonNode values) {
        this.values = values;
    }

    /**
     * Returns all settings, in the order of the text.
     *
     * @param values the same text as a tree
     */
    static List<Setting> read(String text, JsonNode values) {
        SettingsReader reader = new SettingsReader(values);
        text.lines().forEach(reader::line);
        return List.copyOf(reader.settings);
    }

    private void line(String line) {
        String text = line.strip();
        if (text.isEmpty()) {
            comment.clear();
        } else if (text.startsWith("#")) {
            if (commentIsOver) {
                comment.clear();
            }
            comment.add(text.substring(1).strip());
            commentIsOver = false;
        } else {
            key(line.length() - line.stripLeading().length(), text.substring(0, text.indexOf(':')));
            commentIsOver = true;
        }
    }

    private void key(int indent, String name) {
        while (!groups.isEmpty() && groups.getFirst().indent() >= indent) {
            groups.pop();
        }
        Group parent = groups.peek();
        JsonNode value = (parent == null ? values : parent.values()).get(name);
        String key = parent == null ? name : parent.name() + "." + name;
        String reason = comment.isEmpty() && parent != null ? parent.reason()
                : String.join(" ", comment);
        if (value.isObject() && !value.isEmpty()) {
            groups.push(new Group(indent, key, value, reason));
            comment.clear();
        } else {
            settings.add(Setting.of(key, value, reason));
        }
    }
}
