package dev.flywheel.engine.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.engine.jinja.Limits;
import dev.flywheel.engine.jinja.Template;
import dev.flywheel.engine.jinja.TemplateException;
import dev.flywheel.engine.tokenizer.ControlGuard;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.tokenizer.TokenizerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The chat templates of one model folder.
 *
 * <p>Invariants: the text is what transformers' {@code apply_chat_template} gives, or an exception;
 * what a chat's texts spell becomes a control token only if the caller allows it.
 *
 * <p>Thread-safe; templates are read at first use. Holds the tokenizer, and does not close it.
 */
public final class ChatTemplates {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";
    private static final long FILE_BYTES_MAX = 64L << 20;

    private final Path folder;
    private final Tokenizer tokenizer;
    private final Supplier<ZonedDateTime> now;
    private final SortedMap<String, String> sources;
    private final Map<String, String> tokens;
    private final Map<String, Template> parsed = new ConcurrentHashMap<>();

    private ChatTemplates(Path folder, Tokenizer tokenizer, Supplier<ZonedDateTime> now,
            SortedMap<String, String> sources, Map<String, String> tokens) {
        this.folder = folder;
        this.tokenizer = tokenizer;
        this.now = now;
        this.sources = sources;
        this.tokens = tokens;
    }

    /** Finds the templates: chat_template.jinja before those of tokenizer_config.json. */
    public static ChatTemplates load(Path folder, Tokenizer tokenizer,
            Supplier<ZonedDateTime> now) {
        JsonNode config = json(folder.resolve("tokenizer_config.json"));
        return new ChatTemplates(folder, tokenizer, now, sources(folder, config),
                tokenizer.namedTokens());
    }

    private static SortedMap<String, String> sources(Path folder, JsonNode config) {
        SortedMap<String, String> sources = new TreeMap<>();
        Path single = folder.resolve("chat_template.jinja");
        if (Files.isRegularFile(single)) {
            sources.put(DEFAULT, text(single));
            for (Path file : listed(folder.resolve("additional_chat_templates"))) {
                String name = file.getFileName().toString();
                sources.put(name.substring(0, name.length() - ".jinja".length()), text(file));
            }
            return sources;
        }
        JsonNode template = config.path("chat_template");
        if (template.isTextual()) {
            sources.put(DEFAULT, template.textValue());
        }
        for (JsonNode named : template.isArray() ? template : JSON.createArrayNode()) {
            sources.put(named.path("name").asText(), named.path("template").asText());
        }
        if (template.isObject()) {
            template.properties()
                    .forEach(named -> sources.put(named.getKey(), named.getValue().asText()));
        }
        return sources;
    }

    private static List<Path> listed(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jinja")).sorted().toList();
        } catch (IOException e) {
            throw new TokenizerException(folder + " cannot be read (" + FileProblem.words(e) + ")",
                    e);
        }
    }

    private static JsonNode json(Path file) {
        if (!Files.isRegularFile(file)) {
            return JSON.createObjectNode();
        }
        try {
            JsonNode node = JSON.readTree(text(file));
            if (node.isObject()) {
                return node;
            }
            throw new TokenizerException(file + " is not a JSON object");
        } catch (JsonProcessingException e) {
            throw new TokenizerException(file + " is no valid JSON: " + JsonProblem.located(e), e);
        }
    }

    private static String text(Path file) {
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                throw new TokenizerException(
                        "%s has %d bytes, allowed are %d".formatted(file, Files.size(file),
                                FILE_BYTES_MAX));
            }
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new TokenizerException(file + " cannot be read (" + FileProblem.words(e) + ")",
                    e);
        }
    }

    /** Returns the templates' names; empty if the model has none. */
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(sources.keySet()));
    }

    /**
     * Renders a chat.
     *
     * @param name of a template, or null for {@code tool_use} with tools, else {@code default}
     * @throws TemplateException if the template is refused or refuses the chat
     */
    public String render(Chat chat, @Nullable String name) {
        return template(name, chat).render(variables(chat), now, Limits.STANDARD);
    }

    /**
     * Returns the ids of a rendered chat. Control tokens that the template writes are control tokens.
     *
     * @param allowControlTokens whether those that the chat's own texts spell are control tokens too
     */
    public int[] encode(Chat chat, @Nullable String name, boolean allowControlTokens) {
        String text = render(chat, name);
        if (allowControlTokens) {
            return tokenizer.encodeTemplate(text, false);
        }
        ControlGuard guard = tokenizer.guard();
        Chat guarded = guarded(chat, guard);
        String marked = template(name, chat).render(variables(guarded), now, Limits.STANDARD);
        if (!guard.plain(marked).equals(text)) {
            throw new IllegalArgumentException(
                    "the chat spells control tokens of the model and its template looks into them; "
                            + "remove them, or allow control tokens in the texts if their source is trusted");
        }
        return guard.encode(marked);
    }

    private Template template(@Nullable String name, Chat chat) {
        if (sources.isEmpty()) {
            throw new TokenizerException(
                    "%s has no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json; send the prompt as text"
                            .formatted(folder));
        }
        String chosen = name != null ? name
                : chat.tools() != null && sources.containsKey(TOOL_USE) ? TOOL_USE
                : DEFAULT;
        String source = sources.get(chosen);
        if (source == null) {
            throw new TokenizerException(
                    "chat template '%s' is not in %s; there are %s".formatted(chosen, folder,
                            names()));
        }
        return parsed.computeIfAbsent(chosen, unused -> Template.parse(source));
    }

    private Map<String, Object> variables(Chat chat) {
        Map<String, Object> variables = new LinkedHashMap<>(tokens);
        variables.putAll(chat.extra());
        variables.put("messages", chat.messages());
        variables.put("tools", chat.tools());
        variables.put("documents", chat.documents());
        variables.put("add_generation_prompt", chat.addGenerationPrompt());
        return variables;
    }

    private static Chat guarded(Chat chat, ControlGuard guard) {
        return new Chat(
                maps(chat.messages(), guard),
                chat.tools() == null ? null : maps(chat.tools(), guard),
                chat.documents() == null ? null : maps(chat.documents(), guard),
                chat.addGenerationPrompt(),
                map(chat.extra(), guard));
    }

    private static List<Map<String, Object>> maps(List<Map<String, Object>> maps,
            ControlGuard guard) {
        List<Map<String, Object>> out = new ArrayList<>();
        maps.forEach(map -> out.add(map(map, guard)));
        return out;
    }

    private static Map<String, Object> map(Map<?, ?> map, ControlGuard guard) {
        Map<String, Object> out = new LinkedHashMap<>();
        map.forEach(
                (key, value) -> out.put(guard.untrusted(String.valueOf(key)), value(value, guard)));
        return out;
    }

    private static @Nullable Object value(@Nullable Object value, ControlGuard guard) {
        return switch (value) {
            case String text -> guard.untrusted(text);
            case Map<?, ?> map -> map(map, guard);
            case List<?> list -> {
                List<@Nullable Object> out = new ArrayList<>();
                list.forEach(item -> out.add(value(item, guard)));
                yield out;
            }
            case null, default -> value;
        };
    }
}
