package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Cases of kind {@code model} and {@code adapter}: scores, greedy continuations, log-probabilities.
 *
 * <p>Each prompt runs alone and once more with all others in one batch: both must agree with the
 * golden scores. Continuations are decoded side by side over the cache.
 */
final class ForwardJudge implements Judge {
    private static final String GOLDEN = "golden.json";
    private static final String TENSORS = "golden.safetensors";
    private static final Set<String> LISTS = Set.of("prompts", "greedy", "logprobs");
    private static final Set<String> LOGPROBS =
            Set.of("prompt_ids", "continuation_ids", "token_logprobs", "sum");
    private static final String NO_TOKENIZER =
            " is given, the model has no tokenizer.json to compare it with";
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
        try (@Nullable Tokenizer tokenizer = tokenizer(folder);
                ForwardSession session = new ForwardSession(model, adapter)) {
            if (at.mustBeRefused() && !at.has(GOLDEN)) {
                return; // accepted, and there is nothing to compute
            }
            JsonNode golden = at.json(GOLDEN);
            KnownKeys.golden(golden, LISTS, findings);
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
            SafetensorsFile tensors = at.tensors(TENSORS);
            GoldenRows rows = GoldenRows.of(golden, tensors, session.vocabSize(), findings);
            double allowed = at.tolerance("logits_max_abs");
            double alone = 0;
            for (int i = 0; i < rows.prompts().size(); i++) {
                requireSameIds(rows.entries().get(i), "ids", rows.prompts().get(i));
                float[][] scores = session.scores(List.of(rows.prompts().get(i))).getFirst();
                alone = Math.max(alone, rows.worst(i, scores, tensors));
                rows.compareBest(i, scores, allowed, findings);
                rows.keep(i, scores, actual);
            }
            findings.figure("logits_max_abs", alone, allowed);
            double together = 0;
            List<float[][]> all = session.scores(rows.prompts());
            for (int i = 0; i < all.size(); i++) {
                together = Math.max(together, rows.worst(i, all.get(i), tensors));
            }
            findings.figure("logits_max_abs in one batch", together, allowed);
        }

        void greedy() {
            GreedyGoldens goldens = GreedyGoldens.of(golden, session, findings);
            for (ObjectNode entry : goldens.entries()) {
                requireSameIds(
                        entry, "prompt_ids", OracleCase.ints(entry.path("prompt_ids"), ""));
                if (tokenizer == null && entry.hasNonNull("continuation_text")) {
                    findings.problem("continuation_text" + NO_TOKENIZER);
                }
            }
            goldens.judge(
                    session, tokenizer, at.tolerance("logits_max_abs"), findings,
                    actual.json().withArray("greedy"));
        }

        void logProbs() {
            double allowed = at.tolerance("token_logprob_max_abs");
            double worst = 0;
            for (ObjectNode entry : Entries.objects(golden, "logprobs")) {
                KnownKeys.entry("logprobs", entry, LOGPROBS, findings);
                double[] got = session.logProbs(
                        Entries.tokens(entry, "prompt_ids", session.vocabSize()),
                        Entries.tokens(entry, "continuation_ids", session.vocabSize()));
                JsonNode expected = OracleCase.list(entry, "token_logprobs");
                if (expected.size() != got.length) {
                    throw new BadCaseException(
                            "token_logprobs and continuation_ids differ in size");
                }
                for (int i = 0; i < got.length; i++) {
                    double golden = Entries.number(expected.get(i), "token_logprobs");
                    worst = Math.max(worst, Math.abs(got[i] - golden));
                }
                double sum = Arrays.stream(got).sum();
                requireSameSum(entry, sum, allowed * got.length);
                ObjectNode kept = actual.json().withArray("logprobs").addObject();
                Entries.copyInputs(entry, kept, List.of("prompt_ids", "continuation_ids"));
                Actual.add(kept.putArray("token_logprobs"), got);
                kept.put("sum", sum);
            }
            findings.figure("token_logprob_max_abs", worst, allowed);
        }

        private void requireSameSum(JsonNode entry, double sum, double allowed) {
            if (!entry.has("sum")) {
                return;
            }
            double expected = Entries.number(entry.path("sum"), "sum");
            if (!(Math.abs(sum - expected) <= allowed)) {
                findings.problem(
                        "sum of token_logprobs is %.6f, expected %.6f (allowed %.3g)"
                                .formatted(sum, expected, allowed));
            }
        }

        /** Where a prompt was given as text, our tokenizer must make the same ids of it. */
        private void requireSameIds(JsonNode entry, String key, int[] ids) {
            String text = Entries.textOrNull(entry, "text");
            if (text == null) {
                return;
            }
            if (tokenizer == null) {
                findings.problem("text of a prompt" + NO_TOKENIZER);
                return;
            }
            int[] got = tokenizer.encodeTemplate(text, true);
            if (!Arrays.equals(got, ids)) {
                findings.problem(
                        "%s of %s are %s, expected %s"
                                .formatted(
                                        key, Text.shown(text), Arrays.toString(got),
                                        Arrays.toString(ids)));
            }
        }
    }
}
