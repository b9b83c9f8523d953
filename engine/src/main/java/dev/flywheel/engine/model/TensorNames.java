package dev.flywheel.engine.model;

/** What tensors are called in the files of a family. */
record TensorNames(Family family) {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

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
