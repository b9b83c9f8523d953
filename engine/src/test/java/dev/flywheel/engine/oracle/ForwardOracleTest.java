package dev.flywheel.engine.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The forward pass agrees with the reference implementation, alone and in mixed batches. */
class ForwardOracleTest {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 96; // below the longest prompt, so pieces are exercised
    private static final int PREFILL_TOKENS = 7;

    /** What may be refused and is, by the name of what is not supported. */
    private static final SortedMap<String, String> REFUSED = new TreeMap<>(Map.of(
            "adapters/dora", "use_dora",
            "adapters/embedding-target", "embed_tokens",
            "adapters/lora-bias", "lora_bias",
            "adapters/modules-to-save", "modules_to_save"));

    /** Every case of the shared folder that must not be refused, on both backends. */
    static Stream<String[]> cases() {
        List<String[]> all = new ArrayList<>();
        for (String backend : List.of("reference", "cpu")) {
            for (String prefix : List.of("models/", "adapters/")) {
                for (String name : Oracle.cases(prefix)) {
                    if (!REFUSED.containsKey(name)) {
                        all.add(new String[] {backend, name});
                    }
                }
            }
        }
        return all.stream();
    }

    static Stream<Arguments> refused() {
        return REFUSED.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    /** A loaded case: model, cache, pass, and the case's adapter staged if it has one. */
    private static final class Loaded implements AutoCloseable {
        final Oracle oracle;
        final Backend backend;
        final BaseModel model;
        final AdapterSlots slots;
        final KvCache cache;
        final ForwardPass pass;
        final int slot;

        Loaded(String backendName, String name) {
            oracle = Oracle.of(name);
            JsonNode manifest = oracle.json("manifest.json");
            backend = Backends.open(backendName, 2);
            String base = manifest.path("base_model").asText("model");
            model = BaseModel.load(oracle.folder(base), backend);
            slots = new AdapterSlots(model, 2, 16);
            cache = new KvCache(model, 128, BLOCK_TOKENS);
            pass = new ForwardPass(model, slots, cache, ROWS_MAX);
            slot = manifest.has("adapter_dir") ? stage() : AdapterSlots.BASE;
        }

        private int stage() {
            LoraWeights weights =
                    PeftFolder.read(oracle.folder("adapter"), model.linearModules()).weights();
            return slots.stage(weights);
        }

        double tolerance(String key) {
            return oracle.json("manifest.json").path("tolerance").path(key).doubleValue();
        }

        @Override
        public void close() {
            pass.close();
            cache.close();
            slots.close();
            model.close();
            backend.close();
        }
    }

    @ParameterizedTest(name = "{0} naming {1}")
    @MethodSource("refused")
    void whatIsNotSupportedIsRefusedByName(String name, String naming) {
        Oracle oracle = Oracle.of(name);
        JsonNode manifest = oracle.json("manifest.json");
        assertThat(manifest.path("expect").asText()).isEqualTo("match_or_refuse");
        try (Backend backend = Backends.open("reference", 1);
                BaseModel model = BaseModel.load(
                        oracle.folder(manifest.path("base_model").asText()), backend)) {
            assertThatThrownBy(
                    () -> PeftFolder.read(oracle.folder("adapter"), model.linearModules()))
                    .isInstanceOf(AdapterException.class)
                    .hasMessageContaining(naming);
        }
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void logitsAgree(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            SafetensorsFile golden = at.oracle.tensors("golden.safetensors");
            double worst = 0;
            for (JsonNode prompt : at.oracle.json("golden.json").path("prompts")) {
                try (KvSequence sequence = at.cache.open()) {
                    Logits logits = at.pass.run(List.of(new Chunk(
                            sequence, Oracle.ints(prompt.path("ids")), at.slot, Wanted.ALL)));
                    float[] expected = golden.floats(prompt.path("logits").asText());
                    int[] positions = Oracle.ints(prompt.path("positions"));
                    for (int i = 0; i < positions.length; i++) {
                        float[] row = logits.copyRow(positions[i]);
                        for (int t = 0; t < row.length; t++) {
                            worst = Math.max(worst,
                                    Math.abs(row[t] - expected[i * row.length + t]));
                        }
                        assertThat(logits.argMax(positions[i]))
                                .isEqualTo(prompt.path("argmax").get(i).intValue());
                    }
                }
            }
            System.out.printf("%s %s: logits worst %.3g, allowed %.3g%n", backend, name, worst,
                    at.tolerance("logits_max_abs"));
            assertThat(worst).isLessThanOrEqualTo(at.tolerance("logits_max_abs"));
        }
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void greedyContinuationsAgreeTokenByToken(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            for (JsonNode greedy : at.oracle.json("golden.json").path("greedy")) {
                int[] prompt = Oracle.ints(greedy.path("prompt_ids"));
                int[] expected = Oracle.ints(greedy.path("continuation_ids"));
                try (KvSequence sequence = at.cache.open()) {
                    assertThat(decode(at, sequence, prompt, expected.length)).isEqualTo(expected);
                }
            }
            assertThat(at.cache.freeBlocks()).isEqualTo(at.cache.capacityBlocks());
        }
    }

    /** Prefills in pieces, then decodes one token at a time. */
    private static int[] decode(Loaded at, KvSequence sequence, int[] prompt, int tokens) {
        int next = -1;
        for (int from = 0; from < prompt.length; from += PREFILL_TOKENS) {
            int[] piece = Arrays.copyOfRange(
                    prompt, from, Math.min(prompt.length, from + PREFILL_TOKENS));
            next = at.pass.run(List.of(new Chunk(sequence, piece, at.slot, Wanted.LAST))).argMax(0);
        }
        int[] out = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            out[i] = next;
            int[] one = {next};
            next = at.pass.run(List.of(new Chunk(sequence, one, at.slot, Wanted.LAST))).argMax(0);
        }
        return out;
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void tokenLogProbabilitiesAgree(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            double worst = 0;
            for (JsonNode scored : at.oracle.json("golden.json").path("logprobs")) {
                int[] prompt = Oracle.ints(scored.path("prompt_ids"));
                int[] continuation = Oracle.ints(scored.path("continuation_ids"));
                try (KvSequence prefix = at.cache.open()) {
                    double first = at.pass
                            .run(List.of(new Chunk(prefix, prompt, at.slot, Wanted.LAST)))
                            .logProb(0, continuation[0]);
                    try (KvSequence fork = prefix.fork()) {
                        Logits logits = at.pass.run(
                                List.of(new Chunk(fork, continuation, at.slot, Wanted.ALL)));
                        for (int i = 0; i < continuation.length; i++) {
                            double got = i == 0 ? first : logits.logProb(i - 1, continuation[i]);
                            double expected = scored.path("token_logprobs").get(i).doubleValue();
                            worst = Math.max(worst, Math.abs(got - expected));
                        }
                    }
                }
            }
            System.out.printf("%s %s: log-probability worst %.3g, allowed %.3g%n", backend, name,
                    worst, at.tolerance("token_logprob_max_abs"));
            assertThat(worst).isLessThanOrEqualTo(at.tolerance("token_logprob_max_abs"));
        }
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void aMixedRaggedBatchGivesEachRowTheBitsItHasAlone(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            List<int[]> prompts = new ArrayList<>();
            List<Integer> slots = new ArrayList<>();
            for (JsonNode prompt : at.oracle.json("golden.json").path("prompts")) {
                prompts.add(Oracle.ints(prompt.path("ids")));
                slots.add(at.slot);
                prompts.add(Oracle.ints(prompt.path("ids")));
                slots.add(AdapterSlots.BASE);
            }
            List<float[][]> alone = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                alone.add(runAll(at, List.of(prompts.get(i)), List.of(slots.get(i))).get(0));
            }
            List<float[][]> together = runAll(at, prompts, slots);
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(together.get(i)).as("prompt %s", i).isDeepEqualTo(alone.get(i));
            }
        }
    }

    /** Prefills all prompts but their last token, then runs one decode row of each together. */
    private static List<float[][]> runAll(Loaded at, List<int[]> prompts, List<Integer> slots) {
        List<KvSequence> sequences = prompts.stream().map(p -> at.cache.open()).toList();
        List<float[][]> rows = new ArrayList<>();
        prompts.forEach(prompt -> rows.add(new float[prompt.length][]));
        runStep(at, prompts, slots, sequences, rows, true);
        runStep(at, prompts, slots, sequences, rows, false);
        sequences.forEach(KvSequence::close);
        return rows;
    }

    private static void runStep(
            Loaded at, List<int[]> prompts, List<Integer> slots, List<KvSequence> sequences,
            List<float[][]> rows, boolean prefill) {
        List<Chunk> chunks = new ArrayList<>();
        List<Integer> owners = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            int last = prompts.get(i).length - 1;
            int[] tokens = Arrays.copyOfRange(prompts.get(i), prefill ? 0 : last,
                    prefill ? last : last + 1);
            if (tokens.length > 0) {
                chunks.add(new Chunk(sequences.get(i), tokens, slots.get(i), Wanted.ALL));
                owners.add(i);
            }
        }
        if (chunks.isEmpty()) {
            return;
        }
        Logits logits = at.pass.run(chunks);
        for (int c = 0; c < chunks.size(); c++) {
            int offset = prefill ? 0 : prompts.get(owners.get(c)).length - 1;
            for (int t = 0; t < chunks.get(c).tokens().length; t++) {
                rows.get(owners.get(c))[offset + t] = logits.copyRow(logits.firstRow(c) + t);
            }
        }
    }
}
