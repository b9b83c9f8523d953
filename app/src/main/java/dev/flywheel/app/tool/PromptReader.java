package dev.flywheel.app.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.engine.chat.Chat;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes prompts of texts, ids, chats and files of them. */
public final class PromptReader {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<List<Map<String, Object>>> MAPS = new TypeReference<>() {};
    private static final Set<String> CHAT_FIELDS =
            Set.of("messages", "tools", "documents", "add_generation_prompt", "template");
    private static final int IDS_MAX = 1 << 24;

    private final Path model;
    private final Supplier<ZonedDateTime> now;
    private final boolean special;
    private final boolean controlTokens;
    private @Nullable Tokenizer tokenizer;

    /**
     * @param special whether the tokenizer's post-processor adds its tokens to a text
     * @param controlTokens whether control tokens spelled in texts and chats count as such
     */
    public PromptReader(Path model, boolean special, boolean controlTokens,
            Supplier<ZonedDateTime> now) {
        this.model = model;
        this.special = special;
        this.controlTokens = controlTokens;
        this.now = now;
    }

    /** Returns the tokenizer, loaded when it is first asked for. The caller closes it. */
    public Tokenizer tokenizer() {
        Tokenizer loaded = tokenizer;
        if (loaded == null) {
            loaded = Tokenizer.load(model);
            tokenizer = loaded;
        }
        return loaded;
    }

    public Prompt text(String text) {
        return new Prompt(text, ids(text, special));
    }

    /** Returns the ids of what goes on after a prompt. */
    public Prompt continuation(String text) {
        return new Prompt(text, tokenizer().encodeContinuation(text, controlTokens));
    }

    private int[] ids(String text, boolean withSpecial) {
        Tokenizer loaded = tokenizer();
        if (controlTokens) {
            return loaded.encodeTemplate(text, withSpecial);
        }
        return withSpecial ? loaded.encode(text) : loaded.encodeWithoutSpecial(text);
    }

    /** Reads ids such as {@code 1,2,3}. */
    public static Prompt ids(String list) {
        String[] parts = list.strip().split("[,\\s]+", -1);
        int[] ids = new int[parts.length];
        for (int i = 0; i < ids.length; i++) {
            if (!parts[i].matches("\\d{1,9}")) {
                throw new ToolException(
                        "'%s' is no token id; give numbers with commas between, such as 1,2,3"
                                .formatted(parts[i]));
            }
            ids[i] = Integer.parseInt(parts[i]);
        }
        return new Prompt(null, ids);
    }

    /** Reads a chat: a list of messages, or an object with messages and what else the template takes. */
    public Prompt chat(Path file) {
        return chat(json(file), file.toString());
    }

    private Prompt chat(JsonNode node, String what) {
        JsonNode fields = node.isArray() ? JSON.createObjectNode().set("messages", node) : node;
        Map<String, Object> extra = new LinkedHashMap<>();
        fields.properties().forEach(field -> {
            if (!CHAT_FIELDS.contains(field.getKey())) {
                extra.put(field.getKey(), JSON.convertValue(field.getValue(), Object.class));
            }
        });
        Chat chat = new Chat(maps(fields, "messages", what), optionalMaps(fields, "tools", what),
                optionalMaps(fields, "documents", what),
                fields.path("add_generation_prompt").asBoolean(true), extra);
        ChatTemplates templates = ChatTemplates.load(model, tokenizer(), now);
        String name = fields.path("template").textValue();
        return new Prompt(templates.render(chat, name),
                templates.encode(chat, name, controlTokens));
    }

    private static @Nullable List<Map<String, Object>> optionalMaps(JsonNode fields, String name,
            String what) {
        return fields.path(name).isMissingNode() || fields.path(name).isNull() ? null
                : maps(fields, name, what);
    }

    private static List<Map<String, Object>> maps(JsonNode fields, String name, String what) {
        JsonNode list = fields.path(name);
        for (JsonNode item : list) {
            if (!item.isObject()) {
                list = JSON.missingNode();
            }
        }
        if (!list.isArray()) {
            throw new ToolException(
                    "%s: '%s' must be a list of objects, such as [{\"role\": \"user\", \"content\": \"Hi\"}]"
                            .formatted(what, name));
        }
        return JSON.convertValue(list, MAPS);
    }

    /**
     * Reads a list of prompts, each an object with text, ids or messages. One with a field {@code
     * adapter} runs over that PEFT folder, or over the bare base if the field is null.
     *
     * @param adapter of those without the field; null for the bare base
     */
    public List<Prompt> file(Path file, @Nullable Path adapter) {
        JsonNode list = json(file);
        List<Prompt> prompts = new ArrayList<>();
        for (JsonNode entry : list) {
            String what = file + ", entry " + prompts.size();
            prompts.add(entry(entry.deepCopy(), what, adapter));
        }
        if (!list.isArray() || prompts.isEmpty()) {
            throw new ToolException(
                    file + " must hold a list such as [{\"text\": \"Hi\"}, {\"ids\": [1, 2]}, {\"messages\": [...]}]");
        }
        return prompts;
    }

    private Prompt entry(JsonNode entry, String what, @Nullable Path adapter) {
        JsonNode own = entry instanceof ObjectNode fields ? fields.remove("adapter") : null;
        Path over = own == null ? adapter : adapter(own, what);
        if (entry.has("messages")) {
            requireNone(entry, List.of("text", "ids"), "messages", what);
            return chat(entry, what).over(over);
        }
        if (entry.has("text")) {
            requireOnly(entry, "text", what);
            return text(textOf(entry.path("text"), what)).over(over);
        }
        if (entry.has("ids")) {
            requireOnly(entry, "ids", what);
            return new Prompt(null, ids(entry.path("ids"), what), over);
        }
        throw new ToolException(what + " has none of text, ids and messages");
    }

    private static void requireNone(JsonNode entry, List<String> fields, String beside,
            String what) {
        for (String field : fields) {
            if (entry.has(field)) {
                throw new ToolException("%s has %s beside %s; give one of text, ids and messages"
                        .formatted(what, field, beside));
            }
        }
    }

    /** A chat's further fields are the template's; other prompts have none. */
    private static void requireOnly(JsonNode entry, String field, String what) {
        requireNone(entry,
                Stream.of("text", "ids").filter(other -> !other.equals(field)).toList(), field,
                what);
        entry.fieldNames().forEachRemaining(name -> {
            if (!name.equals(field)) {
                throw new ToolException(
                        "%s has a field '%s'; beside %s only adapter is read".formatted(what, name,
                                field));
            }
        });
    }

    private static String textOf(JsonNode text, String what) {
        if (!text.isTextual()) {
            throw new ToolException("%s: text is %s, expected a text".formatted(what, text));
        }
        return text.textValue();
    }

    private static @Nullable Path adapter(JsonNode own, String what) {
        if (!own.isNull() && !own.isTextual()) {
            throw new ToolException(
                    "%s: adapter is %s, expected a PEFT folder, or null for the bare base"
                            .formatted(what, own));
        }
        return own.isNull() ? null : Path.of(own.textValue());
    }

    private static int[] ids(JsonNode list, String what) {
        if (!list.isArray()) {
            throw new ToolException(
                    "%s: ids is %s, expected a list of token ids".formatted(what, list));
        }
        int[] ids = new int[Math.min(list.size(), IDS_MAX)];
        for (int i = 0; i < ids.length; i++) {
            if (!list.get(i).isInt()) {
                throw new ToolException(
                        "%s: ids[%d] is %s, expected a token id".formatted(what, i, list.get(i)));
            }
            ids[i] = list.get(i).intValue();
        }
        return ids;
    }

    private static JsonNode json(Path file) {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            throw new ToolException(file + " is no valid JSON: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new ToolException(
                    "%s cannot be read (%s)".formatted(file, FileProblem.words(e)), e);
        }
    }
}
