package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code clean_up_tokenization_spaces} of tokenizer_config.json does to decoded text: spaces go
 * that some vocabularies put before punctuation and English contractions.
 *
 * @param on whether it is done; models with merges keep their spaces unless told by a name of its own
 */
record SpaceCleanup(boolean on) {
    private static final String[] SPACED = {
        " .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"
    };

    /** What may still become part of a match, that of a match of a match included: {@code " n ' t"}. */
    private static final Pattern OPEN = Pattern.compile("(?<! ) +(?:'[vr]?|n ?'?)?\\z");

    static SpaceCleanup of(JsonNode model, JsonNode config) {
        boolean merges = model.path("type").asText(model.has("merges") ? "BPE" : "").equals("BPE");
        boolean forced = config
                .path("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output")
                .asBoolean();
        return new SpaceCleanup(
                config.path("clean_up_tokenization_spaces").asBoolean() && (!merges || forced));
    }

    String text(String decoded) {
        String text = decoded;
        if (on) {
            for (String spaced : SPACED) {
                text = text.replace(spaced, spaced.strip());
            }
        }
        return text;
    }

    /** Returns up to where cleaned text stays as it is, whatever comes after it. */
    int certainLength(String text) {
        if (!on) {
            return text.length();
        }
        Matcher open = OPEN.matcher(text);
        return open.find() ? open.start() : text.length();
    }
}
