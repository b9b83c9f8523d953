package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;

/**
 * Checks tokenizer.json before the native library sees it.
 *
 * <p>Most of what is wrong the library says itself. Some of it ends its thread instead, and with it
 * this process: that is refused here, as is what would be misread on the way.
 */
final class TokenizerShape {
    private static final int ID_MAX = 1 << 24;

    private TokenizerShape() {}

    static void require(JsonNode tokenizer) {
        for (JsonNode added : list(tokenizer, "added_tokens")) {
            requireId("added_tokens: id", added.path("id"));
            if (!added.path("content").isTextual() || added.path("content").asText().isEmpty()) {
                throw refused("added_tokens: content", added.path("content"), "a text");
            }
        }
        requireTemplates(tokenizer.path("post_processor"));
        JsonNode model = tokenizer.path("model");
        if (!model.isObject()) {
            throw refused("model", model, "an object");
        }
        requireVocabulary(model.path("vocab"));
        JsonNode prefix = model.path("continuing_subword_prefix");
        boolean none = prefix.isMissingNode() || prefix.isNull() || prefix.asText("x").isEmpty();
        if (model.has("merges") && !none) {
            throw refused(
                    "model.continuing_subword_prefix", prefix, "null for a model with merges");
        }
    }

    /** A special token that a template uses must be described there, ids and spelling alike. */
    private static void requireTemplates(JsonNode processor) {
        processor.path("processors").forEach(TokenizerShape::requireTemplates);
        for (String form : List.of("single", "pair")) {
            for (JsonNode place : processor.path(form)) {
                JsonNode used = place.path("SpecialToken").path("id");
                JsonNode sequence = place.path("Sequence").path("id");
                boolean special = used.isTextual()
                        && isDescribed(used.textValue(), processor.path("special_tokens"));
                boolean text = sequence.asText().equals("A")
                        || (sequence.asText().equals("B") && form.equals("pair"));
                if (special == text) {
                    throw refused(
                            "post_processor." + form, place,
                            "a sequence (B in a pair only) or a token of special_tokens");
                }
            }
        }
    }

    private static boolean isDescribed(String name, JsonNode tokens) {
        JsonNode token = tokens.path(name);
        token.path("ids").forEach(id -> requireId("post_processor.special_tokens: an id", id));
        return token.path("id").isTextual()
                && token.path("id").textValue().equals(name)
                && !token.path("ids").isEmpty()
                && token.path("ids").size() == token.path("tokens").size();
    }

    private static JsonNode list(JsonNode parent, String key) {
        JsonNode list = parent.path(key);
        if (!list.isArray() && !list.isMissingNode() && !list.isNull()) {
            throw refused(key, list, "a list");
        }
        return list;
    }

    private static void requireVocabulary(JsonNode vocabulary) {
        if (!vocabulary.isObject() && !vocabulary.isArray()) {
            throw refused("model.vocab", vocabulary, "an object or a list");
        }
        for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
            requireId("model.vocab: an id", entry.getValue());
        }
        if (vocabulary.isArray()) {
            for (JsonNode piece : vocabulary) {
                if (!piece.path(0).isTextual() || !piece.path(1).isNumber()) {
                    throw refused("model.vocab: a piece", piece, "a text and a score");
                }
            }
        }
    }

    private static void requireId(String what, JsonNode id) {
        if (!id.isInt() || id.intValue() < 0 || id.intValue() > ID_MAX) {
            throw refused(what, id, "a whole number from 0 to " + ID_MAX);
        }
    }

    private static TokenizerException refused(String key, JsonNode value, String expected) {
        String shown = value.isMissingNode() ? "missing" : value.toString();
        return new TokenizerException(
                "tokenizer.json was refused: %s is %s, expected %s".formatted(key, shown,
                        expected));
    }
}
