package dev.flywheel.app.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Lays an operator's file over {@code reference.yaml}, which holds every key with its default.
 *
 * <p>A key that the reference does not have stops the start by its name, so a typing mistake can not
 * silently leave a default in force.
 */
public final class ConfigLoader {
    private static final String REFERENCE = "/dev/flywheel/app/reference.yaml";

    /** The one group whose keys are names that an operator may add. */
    private static final String OPEN_GROUP = "guard_profiles";

    private final ObjectMapper yaml = mapper();

    /**
     * Reads the settings.
     *
     * @param file the operator's file, or null for the defaults
     * @param overrides more keys laid over both, dotted, e.g. {@code loop.observation_window}
     * @throws ConfigException if a key is unknown, a value is out of its range or the file cannot be read
     */
    public FlywheelConfig load(@Nullable Path file, Map<String, Object> overrides) {
        ObjectNode tree = reference();
        if (file != null) {
            overlay(tree, read(file), "", file.toString());
        }
        overrides.forEach((key, value) -> override(tree, key, value));
        return bind(tree);
    }

    /** Returns the text of {@code reference.yaml}, the documentation of all settings. */
    public static String referenceText() {
        try (InputStream in = ConfigLoader.class.getResourceAsStream(REFERENCE)) {
            if (in == null) {
                throw new IllegalStateException("reference.yaml is missing from the jar");
            }
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("reference.yaml cannot be read", e);
        }
    }

    private ObjectNode reference() {
        try {
            return (ObjectNode) yaml.readTree(referenceText());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("reference.yaml is not yaml", e);
        }
    }

    private JsonNode read(Path file) {
        try {
            JsonNode tree = yaml.readTree(Files.readAllBytes(file));
            return tree == null || tree.isMissingNode() ? yaml.createObjectNode() : tree;
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s is not yaml: %s".formatted(file, e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new ConfigException(
                    "settings file %s cannot be read (%s); check the path given with --config"
                            .formatted(file, e.getClass().getSimpleName()),
                    e);
        }
    }

    private static void overlay(ObjectNode base, JsonNode over, String prefix, String file) {
        if (!over.isObject()) {
            throw new ConfigException(
                    "%s: %s must be a group of keys"
                            .formatted(file, prefix.isEmpty() ? "the file" : prefix));
        }
        for (Iterator<Map.Entry<String, JsonNode>> fields = over.fields(); fields.hasNext();) {
            Map.Entry<String, JsonNode> field = fields.next();
            String path = prefix.isEmpty() ? field.getKey() : prefix + "." + field.getKey();
            JsonNode known = base.get(field.getKey());
            if (known == null && !prefix.equals(OPEN_GROUP)) {
                throw unknown(path, base, file);
            }
            if (field.getValue().isNull()) {
                throw new ConfigException(
                        "%s: setting %s is left empty; give it a value or take the line out"
                                .formatted(file, path));
            }
            if (known != null && known.isObject()) {
                overlay((ObjectNode) known, field.getValue(), path, file);
            } else {
                base.set(field.getKey(), field.getValue());
            }
        }
    }

    private static ConfigException unknown(String path, ObjectNode siblings, String file) {
        TreeSet<String> names = new TreeSet<>();
        siblings.fieldNames().forEachRemaining(names::add);
        return new ConfigException(
                "%s: unknown setting %s; known beside it: %s (all settings: ./flywheel config)"
                        .formatted(file, path, String.join(", ", names)));
    }

    private void override(ObjectNode tree, String key, Object value) {
        ObjectNode over = yaml.createObjectNode();
        ObjectNode leaf = over;
        String[] parts = key.split("\\.", -1);
        for (int i = 0; i < parts.length - 1; i++) {
            leaf = leaf.putObject(parts[i]);
        }
        leaf.set(parts[parts.length - 1], yaml.valueToTree(value));
        overlay(tree, over, "", "command line");
    }

    private FlywheelConfig bind(ObjectNode tree) {
        try {
            return yaml.treeToValue(tree, FlywheelConfig.class);
        } catch (JsonMappingException e) {
            if (e.getCause() instanceof ConfigException cause) {
                throw cause;
            }
            throw new ConfigException(
                    "setting %s has a value of the wrong kind or lacks a key: %s"
                            .formatted(path(e), firstSentence(e.getOriginalMessage())),
                    e);
        } catch (JsonProcessingException e) {
            throw new ConfigException("settings: " + e.getOriginalMessage(), e);
        }
    }

    /** The rest names Java classes, which help nobody. */
    private static String firstSentence(String message) {
        return message.replaceAll("`?dev\\.flywheel[\\w.$]*`?", "this group").split("\\(", 2)[0]
                .trim();
    }

    private static String path(JsonMappingException e) {
        StringBuilder path = new StringBuilder();
        for (JsonMappingException.Reference reference : e.getPath()) {
            if (reference.getFieldName() != null) {
                path.append(path.isEmpty() ? "" : ".").append(reference.getFieldName());
            } else {
                path.append('[').append(reference.getIndex()).append(']');
            }
        }
        return path.toString();
    }

    private static ObjectMapper mapper() {
        return JsonMapper
                .builder(new YAMLFactory().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION))
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .addModule(
                        new SimpleModule().addDeserializer(Duration.class, new DurationReader()))
                .build();
    }
}
