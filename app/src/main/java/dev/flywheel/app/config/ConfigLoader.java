package dev.flywheel.app.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lays an operator's file over {@code reference.yaml}, which holds every key with its default.
 *
 * <p>A key that the reference does not have stops the start by its name, so a typing mistake can not
 * silently leave a default in force; so does a value of another kind than the key's.
 */
public final class ConfigLoader {
    private static final String REFERENCE = "/dev/flywheel/app/reference.yaml";
    private static final Pattern DECIMAL = Pattern.compile("[+-]?(0|[1-9]\\d*)");

    private final ObjectMapper yaml = mapper();

    /**
     * Reads the settings.
     *
     * @param file the operator's file, or null for the defaults
     * @param overrides more keys laid over both, dotted, e.g. {@code loop.round_linger}
     * @throws ConfigException if a key is unknown, a value is out of its range or the file cannot be read
     */
    public FlywheelConfig load(@Nullable Path file, Map<String, Object> overrides) {
        return load(Map.of(), file, overrides);
    }

    /**
     * Reads the settings of a command that has defaults of its own.
     *
     * @param defaults keys laid over the reference and under the operator's file, dotted
     * @param file the operator's file, or null for the defaults
     * @param overrides more keys laid over all, dotted
     * @throws ConfigException if a key is unknown, a value is out of its range or the file cannot be read
     */
    public FlywheelConfig load(
            Map<String, Object> defaults, @Nullable Path file, Map<String, Object> overrides) {
        ObjectNode tree = reference();
        defaults.forEach((key, value) -> lay("defaults of the command", tree, key, value));
        if (file != null) {
            new Overlay(file.toString()).lay(tree, read(file));
        }
        overrides.forEach((key, value) -> lay("command line", tree, key, value));
        return bind(tree);
    }

    /** Returns the text of {@code reference.yaml}, the documentation of all settings. */
    public static String referenceText() {
        try (InputStream in = ConfigLoader.class.getResourceAsStream(REFERENCE)) {
            if (in == null) {
                throw new IllegalStateException("reference.yaml is missing from the jar");
            }
            return AdapterDefaults.fill(
                    new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException("reference.yaml cannot be read", e);
        }
    }

    /** Returns every setting with default, unit and reason, as {@code reference.yaml} has them. */
    public List<Setting> settings() {
        return SettingsReader.read(referenceText(), reference());
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
            byte[] text = Files.readAllBytes(file);
            requirePlainNumbers(file, text);
            JsonNode tree = yaml.readTree(text);
            return tree == null || tree.isMissingNode() ? yaml.createObjectNode() : tree;
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s is no valid YAML: %s".formatted(file, JsonProblem.located(e)), e);
        } catch (IOException e) {
            throw new ConfigException(
                    "settings file %s cannot be read (%s); check the path given with --config"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }

    /** To YAML 0777 is 511 and 1_0 is 10; the tree no longer tells. */
    private void requirePlainNumbers(Path file, byte[] text) throws IOException {
        try (JsonParser tokens = yaml.createParser(text)) {
            for (JsonToken token = tokens.nextToken(); token != null; token = tokens.nextToken()) {
                if (token == JsonToken.VALUE_NUMBER_INT
                        && !DECIMAL.matcher(tokens.getText()).matches()) {
                    throw new ConfigException(
                            "%s: setting %s is %s, allowed are decimal digits without a leading zero, and text in quotes"
                                    .formatted(file, path(tokens), tokens.getText()));
                }
            }
        }
    }

    private static String path(JsonParser parser) {
        String pointer = parser.getParsingContext().pathAsPointer().toString();
        return pointer.isEmpty() ? "without a name" : pointer.substring(1).replace('/', '.');
    }

    private void lay(String source, ObjectNode tree, String key, Object value) {
        ObjectNode over = yaml.createObjectNode();
        ObjectNode leaf = over;
        String[] parts = key.split("\\.", -1);
        for (int i = 0; i < parts.length - 1; i++) {
            leaf = leaf.putObject(parts[i]);
        }
        leaf.set(parts[parts.length - 1], yaml.valueToTree(value));
        new Overlay(source).lay(tree, over);
    }

    private FlywheelConfig bind(ObjectNode tree) {
        try {
            return yaml.treeToValue(tree, FlywheelConfig.class);
        } catch (ValueReader.WrongKindException e) {
            throw new ConfigException(
                    "setting %s %s".formatted(path(e), e.getOriginalMessage()), e);
        } catch (JsonMappingException e) {
            if (e.getCause() instanceof ConfigException cause) {
                throw cause;
            }
            throw new ConfigException(
                    "setting %s cannot be read: %s".formatted(path(e), e.getOriginalMessage()), e);
        } catch (JsonProcessingException e) {
            throw new ConfigException("settings: " + e.getOriginalMessage(), e);
        }
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
                .addModule(ValueReader.module())
                .build();
    }
}
