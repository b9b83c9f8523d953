package dev.flywheel.app.abuse;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.app.bench.serving.ColdAnswers;
import dev.flywheel.app.bench.serving.SyntheticAdapters;
import dev.flywheel.app.bench.serving.VersionPublisher;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Versions with weights that must not be served, each committed as the newest. */
final class BadVersions implements AbuseRow {
    private static final List<String> PROMPTS = List.of("on and on", "who came");

    @Override
    public String id() {
        return "H04";
    }

    @Override
    public String title() {
        return "versions that must not be served";
    }

    /** What is committed. */
    private record Bad(byte[] weights, String fingerprint) {}

    @Override
    public Finding run(Arena arena) throws Exception {
        try (LocalNode node = arena.node(Map.of())) {
            Map<String, Bad> cases = cases(arena, node);
            VersionPublisher publisher = new VersionPublisher(node.store(), node.base());
            Map<String, String> reasons = new LinkedHashMap<>();
            List<String> wrong = new ArrayList<>();
            int done = 0;
            for (var each : cases.entrySet()) {
                arena.step(++done, cases.size() + 1L);
                String adapter = "abuse/bad-" + done;
                arena.adapter(node, adapter, arena.seed());
                List<Long> before = bits(arena, node, adapter, 0);
                Refused told = Refused.of(arena, () -> {
                    long number = publisher.publishBytes(adapter, each.getValue().weights(),
                            each.getValue().fingerprint());
                    var unused = bits(arena, node, adapter, number);
                });
                reasons.put(each.getKey(), told.code() + " " + told.text());
                boolean refused = told.code() == Code.FAILED_PRECONDITION
                        || told.code() == Code.DATA_LOSS || told.code() == Code.INVALID_ARGUMENT
                        || told.code() == Code.NOT_FOUND;
                if (!refused || !bits(arena, node, adapter, 0).equals(before)) {
                    wrong.add(each.getKey());
                }
            }
            return Finding.of(wrong.isEmpty(), Map.of("reasons", reasons, "wrong", wrong),
                    "%d of %d refused with the reason, the old version serves on; wrong %s",
                    cases.size() - wrong.size(), cases.size(), wrong);
        }
    }

    /** Scores by one version; 0: by the one that serves. */
    private static List<Long> bits(Arena arena, LocalNode node, String adapter, long number) {
        return Scores.bits(arena.inference(node), RequestScope.newBuilder()
                .setAdapter(adapter)
                .setVersionNumber(number)
                .build(), PROMPTS);
    }

    private static Map<String, Bad> cases(Arena arena, LocalNode node) {
        LoraWeights good = arena.weights(node, arena.seed() + 1);
        String first = good.pairs().firstKey();
        byte[] bytes = good.toSafetensors();
        Map<String, byte[]> weights = new LinkedHashMap<>();
        weights.put("wrong rank", LoraWeights.start(LoraConfig.of(4, SyntheticAdapters.ALPHA,
                SyntheticAdapters.TARGETS), node.base().linearModules(), 1).toSafetensors());
        weights.put("missing module", LoraWeights.start(LoraConfig.of(SyntheticAdapters.RANK,
                SyntheticAdapters.ALPHA, List.of("q_proj")), node.base().linearModules(), 1)
                .toSafetensors());
        weights.put("further module", LoraWeights.start(LoraConfig.of(SyntheticAdapters.RANK,
                SyntheticAdapters.ALPHA, List.of("q_proj", "v_proj", "o_proj")),
                node.base().linearModules(), 1).toSafetensors());
        weights.put("transposed", changed(good, first, pair -> new LoraPair(pair.module(),
                pair.rank(), pair.outFeatures() + 1, pair.inFeatures(),
                new float[pair.rank() * (pair.outFeatures() + 1)],
                new float[pair.rank() * pair.inFeatures()])));
        weights.put("NaN", filled(good, first, Float.NaN));
        weights.put("infinity", filled(good, first, Float.POSITIVE_INFINITY));
        weights.put("norms of 1e30", filled(good, first, 1e30f));
        weights.put("truncated", Arrays.copyOf(bytes, bytes.length / 2));
        weights.put("no bytes", new byte[0]);
        weights.put("other bytes", new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
        byte[] flipped = bytes.clone();
        flipped[flipped.length - 1] ^= 0x40;
        weights.put("a bit flipped after the probe", flipped);
        Map<String, Bad> cases = new LinkedHashMap<>();
        try (ColdAnswers cold = new ColdAnswers(node.base(), node.tokenizer())) {
            String fingerprint = cold.fingerprint(good);
            weights.forEach((name, each) -> cases.put(name, new Bad(each, fingerprint)));
            cases.put("another version's fingerprint", new Bad(bytes,
                    cold.fingerprint(arena.weights(node, arena.seed() + 2))));
        }
        return cases;
    }

    private static byte[] filled(LoraWeights good, String module, float value) {
        return changed(good, module, pair -> {
            float[] b = pair.b().clone();
            Arrays.fill(b, value);
            return new LoraPair(pair.module(), pair.rank(), pair.inFeatures(), pair.outFeatures(),
                    pair.a(), b);
        });
    }

    private static byte[] changed(LoraWeights good, String module, UnaryOperator<LoraPair> change) {
        TreeMap<String, LoraPair> pairs = new TreeMap<>(good.pairs());
        pairs.computeIfPresent(module, (name, pair) -> change.apply(pair));
        return new LoraWeights(good.config(), pairs).toSafetensors();
    }
}
