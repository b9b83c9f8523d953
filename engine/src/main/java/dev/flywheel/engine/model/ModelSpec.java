package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.AttentionShape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a model: everything the forward pass must know besides the weights.
 *
 * <p>Every number is checked, so arithmetic on a spec cannot overflow and every shape is positive.
 *
 * @param queryKeyValueBias whether the query, key and value projections add a bias
 * @param outputBias whether the attention's output projection adds a bias
 * @param feedForwardBias whether gate, up and down add a bias
 * @param tiedEmbeddings whether the output head is the embedding table
 * @param positionsMax longest sequence, in tokens
 * @param rope the rotation of every layer for which {@code attention} has none of its own
 * @param initializerRange standard deviation of freshly drawn weights
 * @param bosId token that begins a text, -1 for none
 * @param eosIds tokens that end a text
 * @param logitCap logits become {@code logitCap * tanh(logit / logitCap)}; 0: off
 * @param experts null where every feed-forward part is plain
 */
public record ModelSpec(
        Family family,
        int vocabSize,
        int hiddenSize,
        int intermediateSize,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        float normEpsilon,
        Activation activation,
        boolean queryKeyValueBias,
        boolean outputBias,
        boolean feedForwardBias,
        boolean tiedEmbeddings,
        int positionsMax,
        Rope rope,
        float initializerRange,
        int bosId,
        List<Integer> eosIds,
        AttentionStyle attention,
        float logitCap,
        @Nullable Experts experts) {

    private static final int SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int HEADS_MAX = 4096;
    private static final int HEAD_DIM_MAX = 4096;
    private static final int POSITIONS_MAX = 1 << 24;
    private static final int EXPERTS_MAX = 4096;

    public ModelSpec {
        requireWithin("vocab_size", vocabSize, 4 * SIZE_MAX);
        requireWithin("hidden_size", hiddenSize, SIZE_MAX);
        requireWithin("intermediate_size", intermediateSize, SIZE_MAX);
        requireLayers(layers);
        requireWithin("num_attention_heads", heads, HEADS_MAX);
        requireWithin("num_key_value_heads", kvHeads, HEADS_MAX);
        requireWithin("head_dim", headDim, HEAD_DIM_MAX);
        requireWithin("max_position_embeddings", positionsMax, POSITIONS_MAX);
        requireWithin("num_attention_heads * head_dim", (long) heads * headDim, SIZE_MAX);
        require(heads % kvHeads == 0,
                "num_attention_heads " + heads + " is not divisible by num_key_value_heads "
                        + kvHeads);
        require(headDim % 2 == 0, "head_dim is " + headDim + ", expected an even number");
        require(normEpsilon > 0 && normEpsilon < 1,
                "rms_norm_eps is " + normEpsilon + ", expected above 0 and below 1");
        requireTheta(rope);
        requireAttention(attention, layers);
        requireCap("final_logit_softcapping", logitCap);
        if (experts != null) {
            requireExperts(experts);
        }
        eosIds = List.copyOf(eosIds);
    }

    /** Reads the bytes of a {@code config.json}; what is not supported is refused by key and value. */
    public static ModelSpec parse(byte[] configJson) {
        return new ConfigReader(configJson).read();
    }

    /** Writes a {@code config.json} that {@link #parse} and other engines read as this spec. */
    public byte[] toConfigJson(String dtype) {
        return ConfigWriter.write(this, dtype);
    }

    /** Returns the same model with an output head of its own instead of the embedding table. */
    ModelSpec withOwnHead() {
        return new ModelSpec(
                family, vocabSize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim,
                normEpsilon, activation, queryKeyValueBias, outputBias, feedForwardBias, false,
                positionsMax, rope, initializerRange, bosId, eosIds, attention, logitCap, experts);
    }

    public int queryDim() {
        return heads * headDim;
    }

    public int kvDim() {
        return kvHeads * headDim;
    }

    /** Returns how the rows of a layer attend. */
    public AttentionShape attentionShape(int layer) {
        return new AttentionShape(
                heads, kvHeads, headDim, (float) (1 / Math.sqrt(attention.queryScalar())),
                attention.window(layer), attention.softCap());
    }

    /** Returns the rotation of a layer. */
    public Rope rope(int layer) {
        @Nullable Rope windowed = attention.windowedRope();
        return windowed != null && attention.window(layer) > 0 ? windowed : rope;
    }

    /** Returns the factor on embeddings. */
    public float embeddingScale() {
        return family.scaledEmbedding() ? (float) Math.sqrt(hiddenSize) : 1;
    }

    /** Returns whether the layer has experts. */
    public boolean isSparse(int layer) {
        return experts != null && !experts.denseLayers().contains(layer);
    }

    /** Returns whether any layer has experts. */
    public boolean isSparse() {
        return experts != null && experts.denseLayers().size() < layers;
    }

    /** Returns whether any layer has a plain feed-forward part. */
    public boolean hasDenseLayers() {
        return experts == null || !experts.denseLayers().isEmpty();
    }

    /** Returns the experts of a model that has some. */
    public Experts requireExperts() {
        if (experts == null) {
            throw new IllegalStateException("the model has no experts");
        }
        return experts;
    }

    private static void requireTheta(Rope rope) {
        require(rope.theta() >= 1 && Double.isFinite(rope.theta()),
                "rope_theta is " + rope.theta() + ", expected a finite number of at least 1");
    }

    private static void requireAttention(AttentionStyle attention, int layers) {
        require(attention.queryScalar() > 0 && Double.isFinite(attention.queryScalar()),
                "query_pre_attn_scalar is " + attention.queryScalar()
                        + ", expected a finite number above 0");
        requireCap("attn_logit_softcapping", attention.softCap());
        require(attention.windows().isEmpty() || attention.windows().size() == layers,
                "layer_types has " + attention.windows().size() + " entries, expected one for each"
                        + " of " + layers + " layers");
        for (int window : attention.windows()) {
            require(window >= 0, "sliding_window is " + window + ", expected at least 1");
        }
        if (attention.windowedRope() != null) {
            requireTheta(attention.windowedRope());
        }
    }

    private static void requireExperts(Experts experts) {
        requireWithin("number of experts", experts.count(), EXPERTS_MAX);
        requireWithin("num_experts_per_tok", experts.perToken(), experts.count());
        requireWithin("intermediate size of an expert", experts.intermediateSize(), SIZE_MAX);
    }

    private static void requireCap(String key, float cap) {
        require(cap >= 0 && Float.isFinite(cap),
                key + " is " + cap + ", expected a finite number above 0 or null");
    }

    static void requireLayers(int layers) {
        requireWithin("num_hidden_layers", layers, LAYERS_MAX);
    }

    private static void requireWithin(String key, long value, long max) {
        require(value >= 1 && value <= max,
                key + " is " + value + ", expected 1 to " + max);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new ModelException(ModelException.Code.MALFORMED, "config.json: " + message);
        }
    }
}
