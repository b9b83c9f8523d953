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
    private static final int SHOWN_MAX = 80;
    private static final List<String> FLAGS =
            List.of("special", "normalized", "lstrip", "rstrip", "single_word");

    private TokenizerShape() {}

    static void require(JsonNode tokenizer) {
        for (JsonNode added : list(tokenizer, "added_tokens")) {
            requireId("added_tokens: id", added.path("id"));
            if (!added.path("content").isTextual() || added.path("content").asText().isEmpty()) {
                throw refused("added_tokens: content", added.path("content"), "a text");
            }
            for (String flag : FLAGS) {
                if (!added.path(flag).isMissingNode() && !added.path(flag).isBoolean()) {
                    throw refused("added_tokens: " + flag, added.path(flag), "true or false");
                }
            }
        }
        requireTemplates(tokenizer.path("post_processor"));
        requireNormalizer(tokenizer.path("normalizer"));
        requireDecoder(tokenizer.path("decoder"));
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

    /**
     * A token that takes the white space after it and one that begins with white space and takes what is
     * before it may overlap in a text, where the library ends the process.
     */
    static void requireApart(JsonNode tokenizer) {
        // NFC makes no white space of anything else.
        boolean normalizes = tokenizer.path("normalizer").isObject()
                && !isOf(tokenizer.path("normalizer"), "NFC");
        JsonNode taker = null;
        JsonNode taken = null;
        for (JsonNode added : tokenizer.path("added_tokens")) {
            if (added.path("rstrip").asBoolean()) {
                taker = added.path("content");
            }
            boolean changes = normalizes && added.path("normalized").asBoolean();
            if (added.path("lstrip").asBoolean() && !added.path("rstrip").asBoolean()
                    && (changes || beginsWithSpace(added.path("content").asText()))) {
                taken = added.path("content");
            }
        }
        if (taker != null && taken != null) {
            throw new TokenizerException(
                    "tokenizer.json was refused: token %s takes white space after it (rstrip) and token %s takes more before white space of its own (lstrip), supported is one of both; set lstrip of the latter to false"
                            .formatted(shown(taker), shown(taken)));
        }
    }

    private static boolean beginsWithSpace(String content) {
        int first = content.codePointAt(0);
        return Character.isWhitespace(first) || Character.isSpaceChar(first) || first == 0x85;
    }

    private static void requireNormalizer(JsonNode normalizer) {
        normalizer.path("normalizers").forEach(TokenizerShape::requireNormalizer);
        JsonNode charsMap = normalizer.path("precompiled_charsmap");
        if (isOf(normalizer, "Precompiled") || !charsMap.isMissingNode()) {
            String problem = CharsMapShape.problem(charsMap);
            if (!problem.isEmpty()) {
                throw new TokenizerException(
                        "tokenizer.json was refused: normalizer.precompiled_charsmap is %s, expected a map that SentencePiece wrote; take the file again from its source"
                                .formatted(problem));
            }
        }
    }

    private static void requireDecoder(JsonNode decoder) {
        decoder.path("decoders").forEach(TokenizerShape::requireDecoder);
        JsonNode stop = decoder.path("stop");
        if (isOf(decoder, "Strip") && !(stop.isInt() && stop.intValue() == 0)) {
            throw refused("decoder.stop", stop, "0, for a decoder of type Strip");
        }
    }

    private static boolean isOf(JsonNode part, String type) {
        return part.path("type").asText().equals(type);
    }

    /** A special token that a template uses must be described there, ids and spelling alike. */
    private static void requireTemplates(JsonNode processor) {
        processor.path("processors").forEach(TokenizerShape::requireTemplates);
        for (String end : List.of("cls", "sep")) {
            if (isOf(processor, "BertProcessing") || isOf(processor, "RobertaProcessing")) {
                requireId("post_processor." + end + ": the id", processor.path(end).path(1));
            }
        }
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
        return new TokenizerException(
                "tokenizer.json was refused: %s is %s, expected %s; correct it or take the file again from its source"
                        .formatted(key, shown(value), expected));
    }

    /** Returns a value for an error message: as it is written, cut where it is long. */
    static String shown(JsonNode value) {
        return value.isMissingNode() ? "missing" : cut(value.toString());
    }

    static String cut(String text) {
        return text.length() <= SHOWN_MAX ? text : text.substring(0, SHOWN_MAX) + "...";
    }
}
