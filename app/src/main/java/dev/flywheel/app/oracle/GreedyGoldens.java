package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.app.oracle.ForwardSession.Continuation;
import dev.flywheel.app.oracle.ForwardSession.Wish;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The greedy continuations of a golden file, each of which may be decoded once more up to a stop token.
 *
 * @param wishes of each entry the plain one, then the one with a stop token if it has one
 */
record GreedyGoldens(List<ObjectNode> entries, List<Wish> wishes) {
    private static final List<String> INPUTS = List.of("text", "prompt_ids");
    private static final List<String> STOP_INPUTS =
            List.of("stop_token_id", "max_new_tokens", "note");
    private static final Set<String> KNOWN =
            Set.of(
                    "name", "text", "prompt_ids", "continuation_ids", "min_margin",
                    "continuation_text", "with_stop");
    private static final Set<String> STOP_KNOWN =
            Set.of("stop_token_id", "max_new_tokens", "note", "continuation_ids", "finish");

    /** Goldens give the margin with four digits. */
    private static final double MARGIN_ROUNDING = 5e-4;

    static GreedyGoldens of(JsonNode golden, ForwardSession session, Findings findings) {
        int vocabSize = session.vocabSize();
        List<ObjectNode> entries = Entries.objects(golden, "greedy");
        List<Wish> wishes = new ArrayList<>();
        for (ObjectNode entry : entries) {
            KnownKeys.entry("greedy", entry, KNOWN, findings);
            int[] prompt = Entries.tokens(entry, "prompt_ids", vocabSize);
            int count = Entries.tokens(entry, "continuation_ids", vocabSize).length;
            wishes.add(new Wish(prompt, count, -1));
            if (hasStop(entry)) {
                ObjectNode stop = Entries.object(entry.path("with_stop"), "with_stop");
                KnownKeys.entry("greedy.with_stop", stop, STOP_KNOWN, findings);
                wishes.add(withStop(stop, prompt, session));
            }
        }
        return new GreedyGoldens(entries, wishes);
    }

    private static Wish withStop(ObjectNode stop, int[] prompt, ForwardSession session) {
        int golden = Entries.tokens(stop, "continuation_ids", session.vocabSize()).length;
        int tokensMax = Entries.whole(stop, "max_new_tokens");
        if (golden > tokensMax) {
            throw new BadCaseException(
                    "with_stop: continuation_ids holds %d tokens, max_new_tokens is %d"
                            .formatted(golden, tokensMax));
        }
        int room = Math.max(1, session.positionsMax() - prompt.length + 1);
        return new Wish(
                prompt, Math.min(tokensMax, room), Entries.whole(stop, "stop_token_id"));
    }

    /**
     * Decodes all side by side and compares.
     *
     * @param scoreTolerance what each of two scores may be off
     * @param kept receives what was computed
     */
    void judge(
            ForwardSession session, @Nullable Tokenizer tokenizer, double scoreTolerance,
            Findings findings, ArrayNode kept) {
        List<Continuation> decoded = session.decode(wishes);
        int next = 0;
        for (ObjectNode entry : entries) {
            ObjectNode into = kept.addObject();
            Entries.copyInputs(entry, into, INPUTS);
            Continuation got = decoded.get(next++);
            Actual.add(into.putArray("continuation_ids"), got.ids());
            into.put("min_margin", got.minMargin());
            requireSame(entry, entry, got.ids(), "greedy", findings);
            requireSameMargin(entry, got, scoreTolerance, findings);
            if (tokenizer != null && entry.hasNonNull("continuation_text")) {
                text(entry, into, tokenizer.decode(got.ids()), findings);
            }
            if (hasStop(entry)) {
                stop(entry, into.putObject("with_stop"), decoded.get(next++), findings);
            }
        }
    }

    private static boolean hasStop(JsonNode entry) {
        return entry.hasNonNull("with_stop");
    }

    private static void text(
            JsonNode entry, ObjectNode into, String text, Findings findings) {
        into.put("continuation_text", text);
        String expected = Entries.text(entry, "continuation_text");
        if (!text.equals(expected)) {
            findings.problem(
                    "continuation_text is %s, expected %s"
                            .formatted(Text.shown(text), Text.shown(expected)));
        }
    }

    private static void stop(
            JsonNode entry, ObjectNode into, Continuation got, Findings findings) {
        JsonNode expected = entry.path("with_stop");
        Entries.copyInputs(expected, into, STOP_INPUTS);
        int last = got.ids()[got.ids().length - 1];
        String finish = last == Entries.whole(expected, "stop_token_id") ? "stop" : "length";
        Actual.add(into.putArray("continuation_ids"), got.ids());
        into.put("finish", finish);
        requireSame(expected, entry, got.ids(), "greedy with_stop", findings);
        if (!finish.equals(Entries.text(expected, "finish"))) {
            findings.problem(
                    "greedy with_stop finished by %s, expected %s"
                            .formatted(finish, Text.shown(Entries.text(expected, "finish"))));
        }
    }

    /** A margin is the difference of two scores, so it may be off by what both may be. */
    private static void requireSameMargin(
            JsonNode entry, Continuation got, double scoreTolerance, Findings findings) {
        if (!entry.has("min_margin")) {
            return;
        }
        double expected = Entries.number(entry.path("min_margin"), "min_margin");
        double allowed = 2 * scoreTolerance + MARGIN_ROUNDING * Math.abs(expected);
        if (!(Math.abs(got.minMargin() - expected) <= allowed)) {
            findings.problem(
                    "min_margin is %.5f, expected %s (allowed %.3g)"
                            .formatted(got.minMargin(), entry.path("min_margin"), allowed));
        }
    }

    private static void requireSame(
            JsonNode golden, JsonNode entry, int[] got, String what, Findings findings) {
        int[] expected = OracleCase.ints(golden.path("continuation_ids"), "continuation_ids");
        int at = Arrays.mismatch(expected, got);
        if (at >= 0) {
            findings.problem(
                    "%s differs from token %d of %d on: %s, expected %s (min_margin %s)"
                            .formatted(
                                    what, at, expected.length, Text.from(got, at),
                                    Text.from(expected, at), entry.path("min_margin")));
        }
    }
}
