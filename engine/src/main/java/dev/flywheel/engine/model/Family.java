package dev.flywheel.engine.model;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The model families that the engine runs, as {@code config.json} names them, and in what each
 * differs from Llama whatever its configuration says.
 */
public enum Family {
    /** Llama 2 and 3 and everything that is stored as such. */
    LLAMA("LlamaForCausalLM", "llama", Heads.AS_PROJECTED, Norms.BEFORE),
    /** Mistral: as Llama, with a sliding window. */
    MISTRAL("MistralForCausalLM", "mistral", Heads.AS_PROJECTED, Norms.BEFORE),
    /** Qwen 2 and 2.5: as Llama, with a bias on the query, key and value projections. */
    QWEN2("Qwen2ForCausalLM", "qwen2", Heads.AS_PROJECTED, Norms.BEFORE),
    /** Qwen 3: as Llama, with norms over the heads of queries and keys. */
    QWEN3("Qwen3ForCausalLM", "qwen3", Heads.NORMED, Norms.BEFORE),
    /** Mixtral: as Mistral, with experts in place of the feed-forward part. */
    MIXTRAL("MixtralForCausalLM", "mixtral", Heads.AS_PROJECTED, Norms.BEFORE),
    /** Qwen 3 with experts. */
    QWEN3_MOE("Qwen3MoeForCausalLM", "qwen3_moe", Heads.NORMED, Norms.BEFORE),
    /** Gemma 2: norms around both parts of a layer, soft caps, a window on every other layer. */
    GEMMA2("Gemma2ForCausalLM", "gemma2", Heads.AS_PROJECTED, Norms.AROUND),
    /** Gemma 3, text alone: as Gemma 2 with norms over heads and a rotation of its own in windows. */
    GEMMA3("Gemma3ForCausalLM", "gemma3_text", Heads.NORMED, Norms.AROUND);

    private enum Heads {
        AS_PROJECTED, NORMED
    }

    /** Gemma's norms around each part come with weights stored as their difference from one. */
    private enum Norms {
        BEFORE, AROUND
    }

    private static final int SHOWN_MAX = 80;

    private final String architecture;
    private final String modelType;
    private final Heads heads;
    private final Norms norms;

    Family(String architecture, String modelType, Heads heads, Norms norms) {
        this.architecture = architecture;
        this.modelType = modelType;
        this.heads = heads;
        this.norms = norms;
    }

    /** Returns the value of {@code architectures}. */
    public String architecture() {
        return architecture;
    }

    /** Returns the value of {@code model_type}. */
    public String modelType() {
        return modelType;
    }

    /** Returns whether each head of queries and keys is normed before it is turned. */
    public boolean headNorms() {
        return heads == Heads.NORMED;
    }

    /** Returns whether what a part of a layer gives is normed before it joins the residual stream. */
    public boolean normsAround() {
        return norms == Norms.AROUND;
    }

    /** Returns what is added to every norm's stored weight. */
    public float normOffset() {
        return norms == Norms.AROUND ? 1 : 0;
    }

    /** Returns whether embeddings are scaled by the square root of the hidden size. */
    public boolean scaledEmbedding() {
        return norms == Norms.AROUND;
    }

    static Family ofArchitecture(String name) {
        for (Family family : values()) {
            if (family.architecture.equals(name)) {
                return family;
            }
        }
        throw unknown("architectures", name, Family::architecture);
    }

    /** Finds the family where a configuration names no architecture, as transformers does. */
    static Family ofModelType(String type) {
        for (Family family : values()) {
            if (family.modelType.equals(type)) {
                return family;
            }
        }
        throw unknown("model_type", type, Family::modelType);
    }

    private static ModelException unknown(String key, String name,
            Function<Family, String> supported) {
        String known =
                Arrays.stream(values()).map(supported).collect(Collectors.joining(", "));
        return new ModelException(
                ModelException.Code.UNSUPPORTED,
                "config.json: %s is %s, supported are %s".formatted(
                        key,
                        name.length() > SHOWN_MAX ? name.substring(0, SHOWN_MAX) + "..." : name,
                        known));
    }
}
