package dev.flywheel.serving.rpc;

import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.settings.RankSettings;
import java.util.HashSet;
import java.util.Set;

/**
 * From a request's texts to the tokens that the model reads. Nobody's text turns into control tokens
 * unless the request allows it. Thread-safe.
 */
final class Texts {
    private final Tokenizer tokenizer;
    private final RankSettings rank;
    private final int positionsMax;
    private final VerdictTokens verdict;
    private final Set<Integer> eosIds;

    /** @throws IllegalArgumentException if a verdict is not one token, or the tokenizer not the model's */
    Texts(Tokenizer tokenizer, ModelSpec spec, RankSettings rank) {
        this.tokenizer = tokenizer;
        this.rank = rank;
        this.positionsMax = spec.positionsMax();
        this.verdict = VerdictTokens.of(tokenizer, spec, rank);
        this.eosIds = new HashSet<>(tokenizer.eosIds());
        eosIds.addAll(spec.eosIds());
    }

    int acceptId() {
        return verdict.acceptId();
    }

    int rejectId() {
        return verdict.rejectId();
    }

    Set<Integer> eosIds() {
        return eosIds;
    }

    /** Returns the longest sequence that the model takes, tokens. */
    int positionsMax() {
        return positionsMax;
    }

    StreamDecoder decoder() {
        return tokenizer.streamDecoder();
    }

    /**
     * Returns a text's tokens, however many.
     *
     * @param controlTokens whether the prompt is read as it is spelled, control tokens included
     */
    int[] encoded(String text, boolean controlTokens) {
        return controlTokens ? tokenizer.encodeTemplate(text, false) : tokenizer.encode(text);
    }

    /** Returns a prompt's tokens; they leave room for at least one more. */
    int[] prompt(String text, boolean controlTokens) {
        return start("prompt", encoded(text, controlTokens));
    }

    /** Returns the tokens that every candidate follows. */
    int[] context(String context) {
        return start("context", tokenizer.encode(
                rank.contextTemplate().replace(RankSettings.CONTEXT, context)));
    }

    /** Returns a candidate's tokens after the context. */
    int[] candidate(int index, String text, int contextTokens) {
        return next("candidates[" + index + "].text", tokenizer.encodeContinuation(
                rank.candidateTemplate().replace(RankSettings.TEXT, text), false), contextTokens);
    }

    /** Returns a continuation's tokens after the prompt. */
    int[] continuation(int index, String text, int promptTokens, boolean controlTokens) {
        return next("continuations[" + index + "]",
                tokenizer.encodeContinuation(text, controlTokens), promptTokens);
    }

    /** Returns the tokens if they can begin a sequence; they leave room for at least one more. */
    int[] start(String field, int[] ids) {
        if (ids.length == 0) {
            throw ServingException.field(field, "holds no token that the model knows");
        }
        if (ids.length >= positionsMax) {
            throw ServingException.tooLong(field, ids.length, positionsMax - 1L, "tokens");
        }
        return ids;
    }

    private int[] next(String field, int[] ids, int before) {
        if (ids.length == 0) {
            throw ServingException.field(field, "holds no token that the model knows");
        }
        if (before + ids.length > positionsMax) {
            throw ServingException.tooLong(field, ids.length, (long) positionsMax - before,
                    "tokens after the " + before + " before it");
        }
        return ids;
    }
}
