package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * tokenizer.json on its way to the native library: completed by what tokenizer_config.json says, as
 * transformers does it, and once more with its control tokens renamed.
 */
final class TokenizerJson {
    private static final List<String> FLAGS =
            List.of("special", "normalized", "lstrip", "rstrip", "single_word");
    private static final List<String> NAMED = List.of("bos_token", "eos_token", "unk_token",
            "sep_token", "pad_token", "cls_token", "mask_token");

    private final ObjectNode json;

    TokenizerJson(ObjectNode json, JsonNode config) {
        this.json = json;
        if (!(json.get("added_tokens") instanceof ArrayNode)) {
            json.putArray("added_tokens");
        }
        addListed(config.path("added_tokens_decoder"));
        addNamed(config);
        replacePostProcessor(config);
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
    private void addListed(JsonNode listed) {
        List<String> ids = new ArrayList<>();
        listed.fieldNames().forEachRemaining(ids::add);
        ids.sort(java.util.Comparator.comparingLong(TokenizerJson::id));
        for (String key : ids) {
            JsonNode token = listed.get(key);
            String content = token.path("content").asText();
            ObjectNode entry = find(content);
            if (entry == null) {
                entry = added().addObject().put("id", id(key)).put("content", content);
            } else if (entry.path("id").asLong() != id(key)) {
                throw new TokenizerException(
                        "token '%s' has id %s in tokenizer.json but %s in tokenizer_config.json"
                                .formatted(content, entry.path("id"), key));
            }
            for (String flag : FLAGS) {
                entry.put(flag, token.path(flag).asBoolean(entry.path(flag).asBoolean(false)));
            }
        }
    }

    private static long id(String key) {
        if (!key.matches("\\d{1,9}")) {
            throw new TokenizerException(
                    "added_tokens_decoder in tokenizer_config.json has the key '" + key
                            + "', which is no token id");
        }
        return Long.parseLong(key);
    }

    /** What the configuration calls its end of text and the like is a control token, listed or not. */
    private void addNamed(JsonNode config) {
        Map<String, Integer> vocabulary = new HashMap<>();
        vocabularyOf(json).forEach(vocabulary::put);
        for (String name : NAMED) {
            String content = content(config.path(name));
            boolean listed = content != null && find(content) != null;
            if (content != null && !listed && vocabulary.containsKey(content)) {
                ObjectNode fresh = added().addObject()
                        .put("id", vocabulary.get(content))
                        .put("content", content);
                FLAGS.forEach(flag -> fresh.put(flag, flag.equals("special")));
            }
        }
    }

    /** Returns what the configuration calls its end of text and the like. */
    static Set<String> named(JsonNode config) {
        Set<String> named = new HashSet<>();
        for (String name : NAMED) {
            String content = content(config.path(name));
            if (content != null) {
                named.add(content);
            }
        }
        return named;
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

    /** With add_bos_token or add_eos_token, what goes around a text is theirs to say. */
    private void replacePostProcessor(JsonNode config) {
        if (!config.has("add_bos_token") && !config.has("add_eos_token")) {
            return;
        }
        ArrayNode single = json.arrayNode();
        ObjectNode tokens = json.objectNode();
        addSpecial(config, "bos", single, tokens);
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        addSpecial(config, "eos", single, tokens);
        ArrayNode pair = single.deepCopy();
        pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
        ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
        processor.set("single", single);
        processor.set("pair", pair);
        processor.set("special_tokens", tokens);
    }

    private void addSpecial(JsonNode config, String which, ArrayNode places, ObjectNode tokens) {
        String content = content(config.path(which + "_token"));
        ObjectNode entry = content == null ? null : find(content);
        if (config.path("add_" + which + "_token").asBoolean(false) && entry != null) {
            places.addObject().putObject("SpecialToken").put("id", content).put("type_id", 0);
            ObjectNode token = tokens.putObject(content).put("id", content);
            token.putArray("ids").add(entry.path("id").asInt());
            token.putArray("tokens").add(content);
        }
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
}
