package dev.flywheel.engine.chat;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a template is filled with.
 *
 * @param messages each with {@code role}, mostly {@code content}, and whatever else the template reads
 * @param tools function schemas, or null
 * @param documents texts to answer from, or null
 * @param addGenerationPrompt whether the text ends where the assistant's answer begins
 * @param extra further variables, such as {@code enable_thinking}
 */
public record Chat(
        List<Map<String, Object>> messages,
        @Nullable List<Map<String, Object>> tools,
        @Nullable List<Map<String, Object>> documents,
        boolean addGenerationPrompt,
        Map<String, Object> extra) {
    public Chat {
        if (messages.isEmpty()) {
            throw new IllegalArgumentException(
                    "a chat has no messages; give at least one with role and content");
        }
    }

    /** A chat without tools, whose text ends where the answer begins. */
    public static Chat of(List<Map<String, Object>> messages) {
        return new Chat(messages, null, null, true, Map.of());
    }
}
