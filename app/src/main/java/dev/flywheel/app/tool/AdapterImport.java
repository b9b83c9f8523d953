package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import java.util.TreeMap;

/** What of a PEFT adapter the store can keep: one rank and one plain scale for all modules. */
public final class AdapterImport {
    private AdapterImport() {}

    /**
     * Returns the weights with a configuration that the store keeps. The matrices stay as they are; a
     * rank-stabilised scale, alpha / sqrt(rank), becomes the equal plain one, alpha' / rank.
     */
    public static LoraWeights storable(LoraWeights weights, int rankMax) {
        LoraConfig config = weights.config();
        if (!config.ranks().isEmpty() || !config.alphas().isEmpty()) {
            throw new ToolException(
                    "the adapter has rank_pattern or alpha_pattern (first %s), a stored adapter has one rank and one alpha; it can be served only merged: ./flywheel adapter merge"
                            .formatted(config.ranks().isEmpty() ? config.alphas().firstKey()
                                    : config.ranks().firstKey()));
        }
        if (config.rank() > rankMax) {
            throw new ToolException(
                    "the adapter has rank %d, engine.rank_max is %d; raise it in the settings of the node and give them with --config"
                            .formatted(config.rank(), rankMax));
        }
        double alpha = config.rsLora() ? config.alpha() * Math.sqrt(config.rank()) : config.alpha();
        LoraConfig plain = new LoraConfig(
                config.rank(), alpha, false, config.targetModules(), new TreeMap<>(),
                new TreeMap<>());
        return new LoraWeights(plain, weights.pairs());
    }
}
