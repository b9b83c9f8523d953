package dev.flywheel.app.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Lays the settings of one source over others; what is not known there is refused by its name.
 *
 * @param source names the source to the operator, e.g. the path of a file
 */
record Overlay(String source) {
    /** The one group whose entries, groups themselves, are an operator's to add. */
    private static final String OPEN_GROUP = "guard_profiles";

    /** The entry of the open group that is always there: others have its keys, and its values where they give none. */
    private static final String PATTERN = "default";

    /** The one group whose keys are names of the operator's own, each with a plain value. */
    private static final String OPEN_NAMES = "loop.tenant_guard_profiles";

    void lay(ObjectNode base, JsonNode over) {
        lay(base, base, over, "");
    }

    /** @param known has the keys that are known, {@code base} takes the values */
    private void lay(ObjectNode base, ObjectNode known, JsonNode over, String prefix) {
        if (!over.isObject()) {
            throw refused(
                    "%s is %s, it must be a group of keys"
                            .formatted(prefix.isEmpty() ? "the whole" : prefix, shown(over)));
        }
        for (Map.Entry<String, JsonNode> field : knownFirst(known, over)) {
            String path = join(prefix, field.getKey());
            if (field.getValue().isNull()) {
                throw refused(
                        "setting %s is left empty; give it a value or take the line out"
                                .formatted(path));
            }
            if (prefix.equals(OPEN_GROUP) && !known.has(field.getKey())) {
                add(base, (ObjectNode) known.get(PATTERN), field, path);
                continue;
            }
            if (prefix.equals(OPEN_NAMES)) {
                base.set(field.getKey(), field.getValue());
                continue;
            }
            JsonNode place = known.get(field.getKey());
            if (place == null) {
                throw refused(
                        "unknown setting %s; known beside it: %s (all settings: ./flywheel config)"
                                .formatted(path, names(known)));
            }
            if (place.isObject()) {
                lay(base.withObjectProperty(field.getKey()), (ObjectNode) place, field.getValue(),
                        path);
            } else {
                base.set(field.getKey(), field.getValue());
            }
        }
    }

    /** Entries that an operator adds build on the pattern as the same source leaves it, wherever that stands in it. */
    private static List<Map.Entry<String, JsonNode>> knownFirst(ObjectNode known, JsonNode over) {
        return over.properties()
                .stream()
                .sorted(Comparator.comparing(field -> !known.has(field.getKey())))
                .toList();
    }

    /** Takes up an entry of the operator's own; what it leaves out is as in the pattern. */
    private void add(
            ObjectNode group, ObjectNode pattern, Map.Entry<String, JsonNode> entry, String path) {
        ObjectNode made = pattern.deepCopy();
        lay(made, pattern, entry.getValue(), path);
        group.set(entry.getKey(), made);
    }

    private ConfigException refused(String what) {
        return new ConfigException(source + ": " + what);
    }

    private static String shown(@Nullable JsonNode value) {
        return value == null || value.isNull() ? "empty" : value.isArray() ? "a list"
                : value.toString();
    }

    private static String names(ObjectNode group) {
        return String.join(", ", namesOf(group));
    }

    private static TreeSet<String> namesOf(ObjectNode group) {
        TreeSet<String> names = new TreeSet<>();
        group.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static String join(String prefix, String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }
}
