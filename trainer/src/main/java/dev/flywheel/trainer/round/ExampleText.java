package dev.flywheel.trainer.round;

import dev.flywheel.engine.tokenizer.Tokenizer;
import java.util.Arrays;

/**
 * Turns the text of a correction into the tokens that are to follow a prompt.
 *
 * <p>An answer usually begins with a space that people do not type: text that does not begin with
 * white space gets one, unless the prompt ends in white space already. The end-of-text token
 * follows, so that the model learns where to stop.
 */
final class ExampleText {
    /** Enough of a prompt's end to hold its last character, however many tokens that takes. */
    private static final int PROMPT_TAIL_TOKENS = 8;

    private final Tokenizer tokenizer;

    ExampleText(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    int[] tokens(int[] promptIds, String text) {
        int[] ids = tokenizer.encodeContinuation(joined(promptIds, text), false);
        if (tokenizer.eosId() == Tokenizer.NONE) {
            return ids;
        }
        int[] ended = Arrays.copyOf(ids, ids.length + 1);
        ended[ids.length] = tokenizer.eosId();
        return ended;
    }

    private String joined(int[] promptIds, String text) {
        boolean spaced = text.isEmpty() || Character.isWhitespace(text.codePointAt(0));
        return spaced || endsInWhitespace(promptIds) ? text : " " + text;
    }

    private boolean endsInWhitespace(int[] promptIds) {
        int from = Math.max(0, promptIds.length - PROMPT_TAIL_TOKENS);
        String tail =
                tokenizer.decode(Arrays.copyOfRange(promptIds, from, promptIds.length), false);
        return tail.isEmpty() || Character.isWhitespace(tail.codePointBefore(tail.length()));
    }
}
