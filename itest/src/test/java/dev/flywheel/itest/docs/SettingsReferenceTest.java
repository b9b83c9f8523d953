package dev.flywheel.itest.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.flywheel.app.config.ConfigException;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** reference.yaml is the documentation of the settings: complete, explained, and in force. */
class SettingsReferenceTest {
    /** A comment may speak of this many keys that follow it. */
    private static final int KEYS_PER_COMMENT = 2;

    private static final FlywheelConfig DEFAULTS = new ConfigLoader().load(null, Map.of());
    private static final SortedMap<String, JsonNode> LEAVES = leaves();
    private static final Set<String> GROUPS = LEAVES.keySet()
            .stream()
            .map(key -> key.substring(0, key.indexOf('.')))
            .collect(Collectors.toCollection(TreeSet::new));

    @Test
    void everySettingHasACommentAboveItOrItsGroup() {
        CommentWalk walk = new CommentWalk();

        assertThat(ConfigLoader.referenceText().lines().filter(line -> !walk.explains(line)))
                .as("settings without a comment above them, for two of them, or above their group")
                .isEmpty();
    }

    /** Reads line after line and knows what the comments so far speak of. */
    private static final class CommentWalk {
        private int keysSinceComment = KEYS_PER_COMMENT;
        /** Keys further in than this belong to a group with a comment. */
        private int explainedIndent = Integer.MAX_VALUE;

        boolean explains(String line) {
            String text = line.strip();
            int indent = line.length() - line.stripLeading().length();
            if (text.isEmpty() || text.startsWith("#")) {
                keysSinceComment = text.isEmpty() ? KEYS_PER_COMMENT : 0;
                explainedIndent = text.isEmpty() ? Integer.MAX_VALUE : explainedIndent;
                return true;
            }
            boolean own = keysSinceComment++ < KEYS_PER_COMMENT;
            if (text.endsWith(":")) {
                explainedIndent = own ? indent : Integer.MAX_VALUE;
                keysSinceComment = KEYS_PER_COMMENT;
                return true;
            }
            return own || indent > explainedIndent;
        }
    }

    @Test
    void theReferenceAndTheRecordsHaveTheSameSettings() {
        assertThat(bound("", DEFAULTS)).isEqualTo(LEAVES.keySet().stream().toList());
    }

    @TestFactory
    Stream<DynamicTest> everySettingIsInForceOrRefusedByItsName() {
        return LEAVES.entrySet().stream().map(leaf -> dynamicTest(leaf.getKey(), () -> {
            Map<String, Object> other = Map.of(leaf.getKey(), otherThan(leaf.getValue()));
            try {
                assertThat(new ConfigLoader().load(null, other)).isNotEqualTo(DEFAULTS);
            } catch (ConfigException e) {
                assertThat(e).hasMessageContaining(leaf.getKey());
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> aSettingOfTheWrongKindIsRefusedByItsName() {
        return LEAVES.keySet()
                .stream()
                .map(key -> dynamicTest(key, () -> assertThatThrownBy(
                        () -> new ConfigLoader().load(null, Map.of(key, List.of("a", "list"))))
                        .isInstanceOf(ConfigException.class)
                        .hasMessageContaining(key)));
    }

    @TestFactory
    Stream<DynamicTest> aSettingLeftEmptyIsRefusedByItsName() {
        return LEAVES.keySet()
                .stream()
                .map(key -> dynamicTest(key, () -> assertThatThrownBy(
                        () -> new ConfigLoader().load(null,
                                Map.of(key, NullNode.getInstance())))
                        .isInstanceOf(ConfigException.class)
                        .hasMessageContaining(key)));
    }

    @Test
    void everySettingThatReadmeNamesExists() {
        Pattern.compile("`((?:" + String.join("|", GROUPS) + ")\\.[a-z_.]+)`")
                .matcher(Checkout.text("README.md") + Checkout.text("ARCHITECTURE.md"))
                .results()
                .map(result -> result.group(1))
                .forEach(name -> assertThat(LEAVES).containsKey(name));
    }

    private static Object otherThan(JsonNode value) {
        if (value.isBoolean()) {
            return !value.booleanValue();
        }
        if (value.isIntegralNumber()) {
            return value.longValue() + 1;
        }
        if (value.isNumber()) {
            return value.doubleValue() / 2 + 0.0007;
        }
        return value.textValue().matches("\\d+(ms|s|m|h|d)") ? "11m" : value.textValue() + "x";
    }

    private static List<String> bound(String prefix, Record settings) {
        SortedMap<String, Object> found = new TreeMap<>();
        collect(prefix, settings, found);
        return List.copyOf(found.keySet());
    }

    private static void collect(String prefix, Object value, SortedMap<String, Object> found) {
        if (value instanceof Record settings) {
            for (RecordComponent component : settings.getClass().getRecordComponents()) {
                collect(join(prefix, snakeCase(component.getName())), read(component, settings),
                        found);
            }
        } else if (value instanceof Map<?, ?> named) {
            named.forEach(
                    (name, entry) -> collect(join(prefix, String.valueOf(name)), entry, found));
        } else {
            found.put(prefix, value);
        }
    }

    private static Object read(RecordComponent component, Record settings) {
        try {
            return component.getAccessor().invoke(settings);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static String snakeCase(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    private static String join(String prefix, String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    private static SortedMap<String, JsonNode> leaves() {
        try {
            SortedMap<String, JsonNode> leaves = new TreeMap<>();
            collectLeaves("", new YAMLMapper().readTree(ConfigLoader.referenceText()), leaves);
            return leaves;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void collectLeaves(String prefix, JsonNode node,
            SortedMap<String, JsonNode> leaves) {
        if (node.isObject()) {
            node.properties()
                    .forEach(entry -> collectLeaves(join(prefix, entry.getKey()), entry.getValue(),
                            leaves));
        } else {
            leaves.put(prefix, node);
        }
    }
}
