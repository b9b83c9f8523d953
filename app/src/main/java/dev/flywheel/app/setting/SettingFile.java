package dev.flywheel.app.setting;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.app.config.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A file of settings, YAML or JSON: groups and keys are the parts of the paths, an empty value unsets. */
public final class SettingFile {
    private static final ObjectMapper YAML = JsonMapper
            .builder(new YAMLFactory().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION))
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private SettingFile() {}

    /**
     * Lays a file over settings.
     *
     * @throws ConfigException naming file and setting if one is unknown or of another kind, or the file cannot be read
     */
    public static void lay(Path file, SettingTree settings) {
        try {
            JsonNode tree = YAML.readTree(Files.readAllBytes(file));
            if (tree != null && !tree.isMissingNode()) {
                lay("", tree, settings);
            }
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "%s is neither YAML nor JSON: %s".formatted(file, JsonProblem.located(e)), e);
        } catch (IOException e) {
            throw new ConfigException(
                    "settings file %s cannot be read (%s); check the path given with --settings"
                            .formatted(file, FileProblem.words(e)),
                    e);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(file + ": " + e.getMessage(), e);
        }
    }

    static void lay(String prefix, JsonNode tree, SettingTree settings) {
        if (tree.isObject()) {
            for (Map.Entry<String, JsonNode> field : tree.properties()) {
                lay(prefix.isEmpty() ? field.getKey() : prefix + "." + field.getKey(),
                        field.getValue(), settings);
            }
        } else if (prefix.isEmpty()) {
            throw new IllegalArgumentException("it holds no groups of settings, such as round:");
        } else if (tree.isNull()) {
            settings.unset(prefix);
        } else {
            settings.set(prefix, text(prefix, tree));
        }
    }

    private static String text(String path, JsonNode value) {
        if (!value.isArray()) {
            return value.asText();
        }
        List<String> parts = new ArrayList<>();
        for (JsonNode each : value) {
            if (!each.isValueNode() || each.asText().contains(",")) {
                throw new IllegalArgumentException(
                        "setting %s holds %s, a list must hold plain values".formatted(path, each));
            }
            parts.add(each.asText());
        }
        return String.join(",", parts);
    }

    /** Returns the file's text as a tree, for what documents settings. */
    static JsonNode tree(String text) {
        try {
            return YAML.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the documentation of settings is no YAML", e);
        }
    }
}
