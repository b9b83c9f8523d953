package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * tokenizer.json on its way to the native library: completed by what tokenizer_config.json says, as
 * transformers does it, and once more with its control tokens renamed.
 */
final class TokenizerJson {
    private final ObjectNode json;

    TokenizerJson(ObjectNode json, SpecialTokens special) {
        this.json = json;
        if (!(json.get("added_tokens") instanceof ArrayNode)) {
            json.putArray("added_tokens");
        }
        special.listed().forEach(this::addListed);
        Map<String, Integer> vocabulary = vocabularyOf(json);
        special.named().values().forEach(token -> addFurther(token, vocabulary));
        special.extra().forEach(token -> addFurther(token, vocabulary));
    }

    private ArrayNode added() {
        return (ArrayNode) json.get("added_tokens");
    }

    private @Nullable ObjectNode find(String content) {
        for (JsonNode token : added()) {
            if (token.path("content").asText().equals(content)) {
                return (ObjectNode) token;
            }
        }
        return null;
    }

    /** Tokens that tokenizer_config.json lists: its flags win, and it may know tokens of its own. */
    private void addListed(int id, AddedToken token) {
        ObjectNode entry = find(token.content());
        if (entry == null) {
            entry = added().addObject().put("id", id).put("content", token.content());
        } else if (entry.path("id").asLong() != id) {
            throw new TokenizerException(
                    "token '%s' has id %s in tokenizer.json but %s in the files beside it; correct one of them"
                            .formatted(TokenizerShape.cut(token.content()), entry.path("id"), id));
        }
        token.writeTo(entry);
    }

    /**
     * A special token that is not added yet, such as an end of text that only the vocabulary holds. One
     * that nothing holds gets the next id, as the native library and transformers number them.
     */
    private void addFurther(AddedToken token, Map<String, Integer> vocabulary) {
        if (token.content().isEmpty() || find(token.content()) != null) {
            return;
        }
        Integer known = vocabulary.get(token.content());
        int id = known != null ? known : nextId(vocabulary.size());
        ObjectNode entry = added().addObject().put("id", id).put("content", token.content());
        token.writeTo(entry);
        entry.put("special", true);
    }

    private int nextId(int vocabularySize) {
        int next = vocabularySize;
        for (JsonNode token : added()) {
            next = Math.max(next, token.path("id").asInt() + 1);
        }
        return next;
    }

    static @Nullable String content(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        return content.isTextual() ? content.textValue() : null;
    }

    static Map<String, Integer> vocabularyOf(JsonNode json) {
        JsonNode vocabulary = json.path("model").path("vocab");
        Map<String, Integer> ids = new HashMap<>();
        if (vocabulary.isObject()) {
            vocabulary.properties()
                    .forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
        } else {
            for (int id = 0; id < vocabulary.size(); id++) {
                ids.put(vocabulary.get(id).path(0).asText(), id);
            }
        }
        return ids;
    }

    JsonNode node() {
        return json;
    }

    String text() {
        return json.toString();
    }

    /**
     * Returns the text with every control token under another name, so that its own name is text like
     * any other. The vocabulary is renamed too: some models look whole words up in it.
     */
    String renamed(Map<String, String> names) {
        ObjectNode copy = json.deepCopy();
        for (JsonNode token : copy.path("added_tokens")) {
            String name = names.get(token.path("content").asText());
            if (name != null) {
                ((ObjectNode) token).put("content", name);
            }
        }
        if (copy.path("model") instanceof ObjectNode model) {
            renameVocabulary(model, names);
            removeMerges(model, names.keySet());
            String unknown = content(model.path("unk_token"));
            if (unknown != null && names.containsKey(unknown)) {
                model.put("unk_token", names.get(unknown));
            }
        }
        return copy.toString();
    }

    private static void renameVocabulary(ObjectNode model, Map<String, String> names) {
        JsonNode vocabulary = model.path("vocab");
        if (vocabulary instanceof ObjectNode entries) {
            names.forEach((old, name) -> {
                JsonNode id = entries.remove(old);
                if (id != null) {
                    entries.set(name, id);
                }
            });
        }
        for (JsonNode piece : vocabulary.isArray() ? vocabulary : model.arrayNode()) {
            String name = names.get(piece.path(0).asText());
            if (name != null) {
                ((ArrayNode) piece).set(0, name);
            }
        }
    }

    /** A merge that makes a control token would make it of a text's characters. */
    private static void removeMerges(ObjectNode model, Set<String> names) {
        if (!(model.path("merges") instanceof ArrayNode merges)) {
            return;
        }
        for (Iterator<JsonNode> each = merges.iterator(); each.hasNext();) {
            JsonNode merge = each.next();
            String[] parts = merge.isTextual()
                    ? merge.textValue().split(" ", 2)
                    : new String[] {merge.path(0).asText(), merge.path(1).asText()};
            if (parts.length == 2 && (names.contains(parts[0]) || names.contains(parts[1])
                    || names.contains(parts[0] + parts[1]))) {
                each.remove();
            }
        }
    }
}
