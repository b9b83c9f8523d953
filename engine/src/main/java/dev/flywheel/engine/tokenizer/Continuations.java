package dev.flywheel.engine.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Encodes texts that follow others.
 *
 * <p>Tokenizers in the manner of SentencePiece put a blank before every text, as if it began a
 * sentence; a text that goes on from another must not have it. So the text is encoded behind a short
 * one whose tokens are then taken off. Others encode a text the same wherever it stands, as far as
 * a text can be encoded by itself.
 */
final class Continuations {
    /** What a text is put behind; the first whose tokens do not run together with the text's serves. */
    private static final List<String> LEADS = List.of("\n", ".", "a");

    private static final String SAMPLE = "b";

    private final Function<String, int[]> encode;
    private final boolean prefixed;

    /** @param encode encodes a text by itself, without what the post-processor adds */
    Continuations(Function<String, int[]> encode) {
        this.encode = encode;
        this.prefixed = LEADS.stream()
                .anyMatch(lead -> follows(lead, SAMPLE) && follows("", SAMPLE)
                        && !Arrays.equals(behind(lead, SAMPLE), encode.apply(SAMPLE)));
    }

    /** Returns the ids of a text that follows another. */
    int[] encode(String text) {
        if (prefixed && !text.isEmpty()) {
            for (String lead : LEADS) {
                if (follows(lead, text)) {
                    return behind(lead, text);
                }
            }
        }
        return encode.apply(text);
    }

    /** Whether a text's tokens stand apart behind a lead, which not every vocabulary can spell. */
    private boolean follows(String lead, String text) {
        try {
            int[] ids = encode.apply(lead);
            int[] both = encode.apply(lead + text);
            return both.length > ids.length
                    && Arrays.equals(ids, Arrays.copyOf(both, ids.length));
        } catch (TokenizerException unspelled) {
            return false;
        }
    }

    private int[] behind(String lead, String text) {
        int[] both = encode.apply(lead + text);
        return Arrays.copyOfRange(both, encode.apply(lead).length, both.length);
    }
}
