package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.AttentionShape;
import java.util.List;

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
 * @param initializerRange standard deviation of freshly drawn weights
 * @param bosId token that begins a text, -1 for none
 * @param eosIds tokens that end a text
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
        List<Integer> eosIds) {

    private static final int SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int HEADS_MAX = 4096;
    private static final int HEAD_DIM_MAX = 4096;
    private static final int POSITIONS_MAX = 1 << 24;

    public ModelSpec {
        requireWithin("vocab_size", vocabSize, 4 * SIZE_MAX);
        requireWithin("hidden_size", hiddenSize, SIZE_MAX);
        requireWithin("intermediate_size", intermediateSize, SIZE_MAX);
        requireWithin("num_hidden_layers", layers, LAYERS_MAX);
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
        require(rope.theta() >= 1 && Double.isFinite(rope.theta()),
                "rope_theta is " + rope.theta() + ", expected a finite number of at least 1");
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

    public int queryDim() {
        return heads * headDim;
    }

    public int kvDim() {
        return kvHeads * headDim;
    }

    public AttentionShape attentionShape() {
        return new AttentionShape(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, 0);
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
