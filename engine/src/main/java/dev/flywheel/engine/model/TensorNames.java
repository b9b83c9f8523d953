package dev.flywheel.engine.model;

import java.util.regex.Pattern;

/** What tensors are called in the files of a family. */
record TensorNames(Family family) {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    private static final Pattern WIDENING = Pattern.compile(
            "model\\.layers\\.\\d+\\..*\\.(gate_proj|up_proj|w1|w3)\\.weight");
    private static final Pattern LINEAR = Pattern.compile(
            "model\\.layers\\.\\d+\\..*\\.([qkvo]_proj|down_proj|w2)\\.weight");

    String attentionNorm(int layer) {
        return layer(layer) + "input_layernorm.weight";
    }

    String feedForwardNorm(int layer) {
        return layer(layer) + (family.normsAround()
                ? "pre_feedforward_layernorm.weight"
                : "post_attention_layernorm.weight");
    }

    String normAfterAttention(int layer) {
        return layer(layer) + "post_attention_layernorm.weight";
    }

    String normAfterFeedForward(int layer) {
        return layer(layer) + "post_feedforward_layernorm.weight";
    }

    String queryNorm(int layer) {
        return layer(layer) + "self_attn.q_norm.weight";
    }

    String keyNorm(int layer) {
        return layer(layer) + "self_attn.k_norm.weight";
    }

    String router(int layer) {
        return layer(layer) + experts() + ".gate.weight";
    }

    String expertGate(int layer, int expert) {
        return expert(layer, expert) + (isMixtral() ? "w1" : "gate_proj") + ".weight";
    }

    String expertUp(int layer, int expert) {
        return expert(layer, expert) + (isMixtral() ? "w3" : "up_proj") + ".weight";
    }

    String expertDown(int layer, int expert) {
        return expert(layer, expert) + (isMixtral() ? "w2" : "down_proj") + ".weight";
    }

    /** Returns whether a tensor is the weight of a linear module or an expert; routers are not. */
    boolean isLinear(String tensor) {
        return isWidening(tensor) || LINEAR.matcher(tensor).matches();
    }

    /** Returns whether a tensor is a gate or up projection, of a layer or an expert. */
    boolean isWidening(String tensor) {
        return WIDENING.matcher(tensor).matches();
    }

    private String expert(int layer, int expert) {
        return layer(layer) + experts() + ".experts." + expert + ".";
    }

    private String experts() {
        return isMixtral() ? "block_sparse_moe" : "mlp";
    }

    private boolean isMixtral() {
        return family == Family.MIXTRAL;
    }

    private static String layer(int layer) {
        return "model.layers." + layer + ".";
    }
}
