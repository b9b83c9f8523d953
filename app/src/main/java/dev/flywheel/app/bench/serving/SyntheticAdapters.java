package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.model.BaseModel;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Adapters of rank 8 on the query and value projections, with random weights. */
public final class SyntheticAdapters {
    public static final int RANK = 8;
    public static final double ALPHA = 16;
    public static final List<String> TARGETS = List.of("q_proj", "v_proj");

    private final BaseModel base;
    private final double size;

    /** @param size largest weight of B: the more, the further answers are from the base's */
    public SyntheticAdapters(BaseModel base, double size) {
        this.base = base;
        this.size = size;
    }

    /** Returns weights of their own for each seed. */
    public LoraWeights weights(long seed) {
        LoraWeights start = LoraWeights.start(LoraConfig.of(RANK, ALPHA, TARGETS),
                base.linearModules(), seed);
        SortedMap<String, LoraPair> pairs = new TreeMap<>(start.pairs());
        SeededRandom random = new SeededRandom(seed);
        pairs.values().forEach(pair -> {
            for (int i = 0; i < pair.b().length; i++) {
                pair.b()[i] = (float) random.nextDouble(-size, size);
            }
        });
        return new LoraWeights(start.config(), pairs);
    }
}
