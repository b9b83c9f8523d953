package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.chat.Chat;
import dev.flywheel.serving.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads the messages of a chat: a role and a text each. */
final class ChatReader {
    private static final int MESSAGES_MAX = 1024;
    private static final String WORDS =
            "a text, or a list of parts {\"type\":\"text\",\"text\":...}";

    private ChatReader() {}

    static Chat read(JsonNode messages) {
        if (!messages.isArray() || messages.isEmpty() || messages.size() > MESSAGES_MAX) {
            throw ServingException.field("messages", "is no list of 1 to " + MESSAGES_MAX
                    + " messages, such as [{\"role\":\"user\",\"content\":\"...\"}]");
        }
        List<Map<String, Object>> read = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            read.add(message("messages[" + i + "]", messages.get(i)));
        }
        return Chat.of(read);
    }

    private static Map<String, Object> message(String field, JsonNode message) {
        Body.require(message, JsonNode::isObject, field, "an object with role and content");
        message.fieldNames().forEachRemaining(name -> {
            if (!List.of("role", "content", "name").contains(name)
                    && !message.get(name).isNull()) {
                throw ServingException.field(field,
                        "has a field that is not supported, allowed are role, content and name");
            }
        });
        String role = Body.require(message.path("role"), JsonNode::isTextual, field + ".role",
                "a text").textValue();
        String content = content(field + ".content", message.path("content"));
        return message.path("name").isTextual()
                ? Map.of("role", role, "content", content, "name", message.get("name").textValue())
                : Map.of("role", role, "content", content);
    }

    private static String content(String field, JsonNode content) {
        if (content.isTextual()) {
            return content.textValue();
        }
        StringBuilder joined = new StringBuilder();
        Body.require(content, JsonNode::isArray, field, WORDS)
                .forEach(part -> joined.append(Body.require(part,
                        node -> node.path("type").asText().equals("text")
                                && node.path("text").isTextual(),
                        field, WORDS).get("text").textValue()));
        return joined.toString();
    }
}
