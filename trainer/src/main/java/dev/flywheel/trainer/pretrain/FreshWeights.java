package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Weights to start from, chosen so that a small model learns fast: matrices keep the scale of what
 * passes through, the two that write to the residual start smaller the deeper the model is (Radford et
 * al., "Language models are unsupervised multitask learners", 2019), norms are one.
 */
final class FreshWeights {
    private FreshWeights() {}

    static SortedMap<String, float[]> draw(ModelSpec spec, SeededRandom random) {
        SortedMap<String, float[]> weights = new TreeMap<>();
        ModelWeights.shapes(spec)
                .forEach(
                        (name, shape) -> weights.put(name,
                                tensor(spec, name, shape, random.split(name))));
        matchLikeWithLike(spec, weights);
        return weights;
    }

    /**
     * Makes the first key head of each layer a copy of its first query head, so that these heads begin
     * by looking for tokens like their own. Finding a word again is what copying and verdicts are
     * built on; from random heads it takes many times as long to appear.
     */
    private static void matchLikeWithLike(ModelSpec spec, SortedMap<String, float[]> weights) {
        int elements = spec.headDim() * spec.hiddenSize();
        for (int layer = 0; layer < spec.layers(); layer++) {
            String attention = "model.layers." + layer + ".self_attn.";
            float[] queries = values(weights, attention + "q_proj.weight");
            float[] keys = values(weights, attention + "k_proj.weight");
            System.arraycopy(queries, 0, keys, 0, elements);
        }
    }

    private static float[] values(SortedMap<String, float[]> weights, String name) {
        float[] found = weights.get(name);
        if (found == null) {
            throw new IllegalStateException("no weights are called " + name);
        }
        return found;
    }

    private static float[] tensor(
            ModelSpec spec, String name, List<Integer> shape, SeededRandom random) {
        float[] values = new float[shape.stream().reduce(1, Math::multiplyExact)];
        if (shape.size() == 1) {
            Arrays.fill(values, 1);
            return values;
        }
        double deviation = deviation(spec, name, shape.get(1));
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    private static double deviation(ModelSpec spec, String name, int inFeatures) {
        if (name.contains("embed_tokens")) {
            return spec.initializerRange();
        }
        double keepsScale = 1 / Math.sqrt(inFeatures);
        boolean writesToResidual = name.contains("o_proj") || name.contains("down_proj");
        return writesToResidual ? keepsScale / Math.sqrt(2.0 * spec.layers()) : keepsScale;
    }
}
