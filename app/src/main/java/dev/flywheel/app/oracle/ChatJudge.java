package dev.flywheel.app.oracle;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.chat.Chat;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.jinja.TemplateException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The chats of a tokenizer case: rendered text and ids, or the error that the template raises. */
final class ChatJudge {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<List<Map<String, Object>>> MAPS = new TypeReference<>() {};
    private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

    private static final List<String> INPUTS =
            List.of("name", "messages", "add_generation_prompt", "extra");
    private static final Set<String> KNOWN =
            Set.of(
                    "name", "messages", "add_generation_prompt", "extra", "text", "ids", "error");

    private final ChatTemplates templates;
    private final Findings findings;
    private final Actual actual;

    ChatJudge(ChatTemplates templates, Findings findings, Actual actual) {
        this.templates = templates;
        this.findings = findings;
        this.actual = actual;
    }

    void judge(JsonNode entry) {
        KnownKeys.entry("chat", entry, KNOWN, findings);
        if (Entries.textOrNull(entry, "error") == null && !entry.has("text")) {
            throw new BadCaseException(
                    "chat %s has neither a text nor an error".formatted(name(entry)));
        }
        ObjectNode kept = actual.json().withArray("chat").addObject();
        Entries.copyInputs(entry, kept, INPUTS);
        try {
            Chat chat = chat(entry);
            rendered(entry, kept, templates.render(chat, null), chat);
        } catch (TemplateException e) {
            if (e.kind() == TemplateException.Kind.UNSUPPORTED && !entry.hasNonNull("error")) {
                throw e; // the whole tokenizer is refused, which a case may allow
            }
            kept.put("error", e.reason());
            if (!e.reason().equals(entry.path("error").textValue())) {
                findings.problem(
                        "chat %s was refused: %s%s"
                                .formatted(
                                        name(entry), Refusals.line(e),
                                        entry.hasNonNull("error")
                                                ? ", expected " + entry.path("error")
                                                : ""));
            }
        }
    }

    private void rendered(JsonNode entry, ObjectNode kept, String text, Chat chat) {
        int[] ids = templates.encode(chat, null, true);
        kept.put("text", text);
        Actual.add(kept.putArray("ids"), ids);
        if (entry.hasNonNull("error")) {
            findings.problem(
                    "chat %s was rendered, expected the error %s"
                            .formatted(name(entry), entry.path("error")));
            return;
        }
        String expected = Entries.text(entry, "text");
        if (!text.equals(expected)) {
            int at = mismatch(text, expected);
            findings.problem(
                    "chat %s differs from character %d on: %s, expected %s"
                            .formatted(
                                    name(entry), at, Text.shown(text.substring(at)),
                                    Text.shown(expected.substring(at))));
        }
        int[] golden = OracleCase.ints(entry.path("ids"), "ids");
        int at = Arrays.mismatch(golden, ids);
        if (at >= 0) {
            findings.problem(
                    "ids of chat %s differ from token %d on: %s, expected %s"
                            .formatted(
                                    name(entry), at, Text.from(ids, at), Text.from(golden, at)));
        }
    }

    private static int mismatch(String a, String b) {
        int at = 0;
        while (at < a.length() && at < b.length() && a.charAt(at) == b.charAt(at)) {
            at++;
        }
        return at;
    }

    /** What apply_chat_template takes as parameters of its own stands among the extras. */
    private static Chat chat(JsonNode entry) {
        if (entry.hasNonNull("extra")) {
            Entries.object(entry.path("extra"), "extra");
        }
        Map<String, Object> extra =
                entry.path("extra").isObject() ? JSON.convertValue(entry.path("extra"), MAP)
                        : Map.of();
        extra = new LinkedHashMap<>(extra);
        extra.remove("tools");
        extra.remove("documents");
        return new Chat(
                messages(entry),
                maps(entry.path("extra").path("tools")),
                maps(entry.path("extra").path("documents")),
                entry.path("add_generation_prompt").asBoolean(false), extra);
    }

    private static List<Map<String, Object>> messages(JsonNode entry) {
        return JSON.convertValue(Entries.objectsOrNone(entry, "messages"), MAPS);
    }

    private static @Nullable List<Map<String, Object>> maps(JsonNode list) {
        if (!list.isArray()) {
            return null;
        }
        list.forEach(entry -> Entries.object(entry, "an entry of tools or documents"));
        return JSON.convertValue(list, MAPS);
    }

    private static String name(JsonNode entry) {
        return entry.path("name").asText();
    }
}
