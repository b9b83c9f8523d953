package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.app.oracle.ForwardSession.Continuation;
import dev.flywheel.app.oracle.ForwardSession.Wish;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cases of kind {@code model} and {@code adapter}: scores, greedy continuations, log-probabilities.
 *
 * <p>Each prompt runs alone and once more with all others in one batch: both must agree with the
 * golden scores. Continuations are decoded side by side over the cache.
 */
final class ForwardJudge implements Judge {
    private static final String TENSORS = "golden.safetensors";
    private final Bases bases;

    ForwardJudge(Bases bases) {
        this.bases = bases;
    }

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        Path folder = baseFolder(at);
        BaseModel model = bases.load(folder);
        @Nullable LoraWeights adapter =
                at.manifest().has("adapter_dir")
                        ? PeftFolder.read(at.named("adapter_dir"), model.linearModules()).weights()
                        : null;
        JsonNode golden = at.json("golden.json");
        try (@Nullable Tokenizer tokenizer = tokenizer(folder);
                ForwardSession session = new ForwardSession(model, adapter)) {
            Run run = new Run(at, golden, session, tokenizer, findings, actual);
            run.scores();
            run.greedy();
            run.logProbs();
        }
    }

    private static Path baseFolder(OracleCase at) {
        for (String key : List.of("base_model", "model_dir")) {
            if (at.manifest().has(key)) {
                return at.named(key);
            }
        }
        return at.folder().resolve("model");
    }

    private static @Nullable Tokenizer tokenizer(Path folder) {
        return Files.isRegularFile(folder.resolve("tokenizer.json")) ? Tokenizer.load(folder)
                : null;
    }

    /** One case on its way. */
    private record Run(
            OracleCase at,
            JsonNode golden,
            ForwardSession session,
            @Nullable Tokenizer tokenizer,
            Findings findings,
            Actual actual) {

        void scores() {
            GoldenRows rows = GoldenRows.of(golden);
            SafetensorsFile tensors = at.tensors(TENSORS);
            double alone = 0;
            for (int i = 0; i < rows.prompts().size(); i++) {
                requireSameIds(rows.entries().get(i), "text", "ids", rows.prompts().get(i));
                float[][] scores = session.scores(List.of(rows.prompts().get(i))).getFirst();
                alone = Math.max(alone, rows.worst(i, scores, tensors));
                rows.keep(i, scores, actual);
            }
            double allowed = at.tolerance("logits_max_abs");
            findings.figure("logits_max_abs", alone, allowed);
            double together = 0;
            List<float[][]> all = session.scores(rows.prompts());
            for (int i = 0; i < all.size(); i++) {
                together = Math.max(together, rows.worst(i, all.get(i), tensors));
            }
            findings.figure("logits_max_abs in one batch", together, allowed);
        }

        void greedy() {
            List<JsonNode> entries = golden.path("greedy").valueStream().toList();
            List<Wish> wishes = new ArrayList<>();
            for (JsonNode entry : entries) {
                int[] prompt = OracleCase.ints(entry.path("prompt_ids"), "prompt_ids");
                requireSameIds(entry, "text", "prompt_ids", prompt);
                wishes.add(new Wish(prompt, entry.path("continuation_ids").size(), -1));
                JsonNode stop = entry.path("with_stop");
                if (stop.isObject()) {
                    wishes.add(
                            new Wish(
                                    prompt, stop.path("max_new_tokens").asInt(),
                                    stop.path("stop_token_id").asInt()));
                }
            }
            List<Continuation> decoded = wishes.isEmpty() ? List.of() : session.decode(wishes);
            int next = 0;
            for (JsonNode entry : entries) {
                ObjectNode kept = actual.json().withArray("greedy").addObject();
                kept.setAll((ObjectNode) entry.deepCopy());
                greedyEntry(entry, kept, decoded.get(next++));
                if (entry.path("with_stop").isObject()) {
                    stopEntry(entry, kept, decoded.get(next++));
                }
            }
        }

        private void greedyEntry(JsonNode entry, ObjectNode kept, Continuation got) {
            Actual.add(kept.putArray("continuation_ids"), got.ids());
            Actual.add(kept.putArray("min_margin"), new double[] {got.minMargin()});
            kept.set("min_margin", kept.path("min_margin").path(0));
            requireSame(entry.path("continuation_ids"), got.ids(), entry, "greedy");
            if (tokenizer != null && entry.hasNonNull("continuation_text")) {
                String text = tokenizer.decode(got.ids());
                kept.put("continuation_text", text);
                if (!text.equals(entry.path("continuation_text").textValue())) {
                    findings.problem(
                            "continuation_text is %s, expected %s"
                                    .formatted(
                                            Text.shown(text),
                                            Text.shown(
                                                    entry.path("continuation_text").asText())));
                }
            }
        }

        private void stopEntry(JsonNode entry, ObjectNode kept, Continuation got) {
            JsonNode expected = entry.path("with_stop");
            int last = got.ids().length == 0 ? -1 : got.ids()[got.ids().length - 1];
            String finish =
                    last == expected.path("stop_token_id").asInt() ? "stop" : "length";
            ObjectNode stop = kept.withObject("with_stop");
            Actual.add(stop.putArray("continuation_ids"), got.ids());
            stop.put("finish", finish);
            requireSame(
                    expected.path("continuation_ids"), got.ids(), entry, "greedy with_stop");
            if (!finish.equals(expected.path("finish").asText())) {
                findings.problem(
                        "greedy with_stop finished by %s, expected %s"
                                .formatted(finish, expected.path("finish").asText()));
            }
        }

        void logProbs() {
            double worst = 0;
            List<JsonNode> entries = golden.path("logprobs").valueStream().toList();
            for (JsonNode entry : entries) {
                int[] prompt = OracleCase.ints(entry.path("prompt_ids"), "prompt_ids");
                int[] continuation =
                        OracleCase.ints(entry.path("continuation_ids"), "continuation_ids");
                double[] got = session.logProbs(prompt, continuation);
                JsonNode expected = OracleCase.list(entry, "token_logprobs");
                if (expected.size() != got.length) {
                    throw new BadCaseException(
                            "token_logprobs and continuation_ids differ in size");
                }
                for (int i = 0; i < got.length; i++) {
                    worst = Math.max(worst, Math.abs(got[i] - expected.get(i).doubleValue()));
                }
                ObjectNode kept = actual.json().withArray("logprobs").addObject();
                kept.setAll((ObjectNode) entry.deepCopy());
                Actual.add(kept.putArray("token_logprobs"), got);
                kept.put("sum", Arrays.stream(got).sum());
            }
            if (!entries.isEmpty()) {
                findings.figure("token_logprob_max_abs", worst,
                        at.tolerance("token_logprob_max_abs"));
            }
        }

        /** Where a prompt was given as text, our tokenizer must make the same ids of it. */
        private void requireSameIds(JsonNode entry, String text, String key, int[] ids) {
            if (tokenizer == null || !entry.path(text).isTextual()) {
                return;
            }
            int[] got = tokenizer.encodeTemplate(entry.path(text).textValue(), true);
            if (!Arrays.equals(got, ids)) {
                findings.problem(
                        "%s of %s are %s, expected %s"
                                .formatted(
                                        key, Text.shown(entry.path(text).asText()),
                                        Arrays.toString(got), Arrays.toString(ids)));
            }
        }

        private void requireSame(JsonNode golden, int[] got, JsonNode entry, String what) {
            int[] expected = OracleCase.ints(golden, "continuation_ids");
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
}
