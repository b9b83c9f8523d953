package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A token that is matched as a whole, before the vocabulary is asked.
 *
 * @param special whether decoding may leave it out
 * @param normalized whether it is matched after the text was normalised
 * @param singleWord whether it is matched only between characters that are no part of a word
 */
record AddedToken(
        String content,
        boolean special,
        boolean normalized,
        boolean lstrip,
        boolean rstrip,
        boolean singleWord) {
    /** A special token of which only the text is known. */
    static AddedToken special(String content) {
        return new AddedToken(content, true, false, false, false, false);
    }

    /** Reads a token as configuration files write it: a text, or an object with a content. */
    static AddedToken read(JsonNode token, boolean special, String where) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        if (!content.isTextual()) {
            throw new TokenizerException(
                    "%s is %s, expected a text or an object with a content; correct it"
                            .formatted(where, TokenizerShape.shown(token)));
        }
        boolean isSpecial = special || token.path("special").asBoolean(!token.isObject());
        return new AddedToken(
                content.textValue(), isSpecial, token.path("normalized").asBoolean(!isSpecial),
                token.path("lstrip").asBoolean(), token.path("rstrip").asBoolean(),
                token.path("single_word").asBoolean());
    }

    /** Writes the flags as tokenizer.json has them. What was special there stays so. */
    void writeTo(ObjectNode entry) {
        entry.put("special", special || entry.path("special").asBoolean())
                .put("normalized", normalized)
                .put("lstrip", lstrip)
                .put("rstrip", rstrip)
                .put("single_word", singleWord);
    }
}
