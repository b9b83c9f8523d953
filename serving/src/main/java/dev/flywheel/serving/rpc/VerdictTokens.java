package dev.flywheel.serving.rpc;

import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.settings.RankSettings;

/** The two tokens between which Rank has the model choose. */
public record VerdictTokens(int acceptId, int rejectId) {
    /**
     * Finds them.
     *
     * @throws IllegalArgumentException if a verdict is not one token, or the tokenizer not the model's: no node starts with
     *     these settings on this model
     */
    public static VerdictTokens of(Tokenizer tokenizer, ModelSpec spec, RankSettings rank) {
        if (tokenizer.vocabSize() > spec.vocabSize()) {
            throw new IllegalArgumentException("the tokenizer has " + tokenizer.vocabSize()
                    + " tokens, the model only " + spec.vocabSize()
                    + "; they are not of one model folder");
        }
        int accept = token(tokenizer, "serving.rank.accept", rank.accept());
        int reject = token(tokenizer, "serving.rank.reject", rank.reject());
        if (accept == reject) {
            throw new IllegalArgumentException(
                    "serving.rank.accept and serving.rank.reject are the same token; choose two");
        }
        return new VerdictTokens(accept, reject);
    }

    private static int token(Tokenizer tokenizer, String setting, String word) {
        int[] ids = tokenizer.encodeWithoutSpecial(word);
        if (ids.length == 1) {
            return ids[0];
        }
        String bare = word.strip();
        boolean bareIsOne =
                !bare.equals(word) && tokenizer.encodeWithoutSpecial(bare).length == 1;
        throw new IllegalArgumentException(setting + " is \"" + word + "\", which is " + ids.length
                + " tokens of this model's tokenizer, must be 1; "
                + (bareIsOne ? "\"" + bare + "\" without the blank is one: set that"
                        : "choose another word"));
    }
}
