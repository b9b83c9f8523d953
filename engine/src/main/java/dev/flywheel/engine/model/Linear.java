package dev.flywheel.engine.model;

import java.util.List;

/** The linear modules of a layer, each of which may carry a low-rank adapter. */
public enum Linear {
    QUERY("self_attn.q_proj"),
    KEY("self_attn.k_proj"),
    VALUE("self_attn.v_proj"),
    OUTPUT("self_attn.o_proj"),
    GATE("mlp.gate_proj"),
    UP("mlp.up_proj"),
    DOWN("mlp.down_proj");

    /** All of them, in the order in which a layer uses them. */
    public static final List<Linear> ALL = List.of(values());

    private static final List<Linear> ATTENTION = ALL.stream().filter(Linear::isAttention).toList();

    private final String path;

    Linear(String path) {
        this.path = path;
    }

    /** Returns those that a layer has, in order: experts are none of them. */
    public static List<Linear> of(ModelSpec spec, int layer) {
        return spec.isSparse(layer) ? ATTENTION : ALL;
    }

    /** Returns the module's name in layer {@code layer}: {@code model.layers.0.self_attn.q_proj}. */
    public String module(int layer) {
        return "model.layers." + layer + "." + path;
    }

    /** Returns whether the module belongs to attention rather than to the feed-forward part. */
    public boolean isAttention() {
        return switch (this) {
            case QUERY, KEY, VALUE, OUTPUT -> true;
            case GATE, UP, DOWN -> false;
        };
    }

    /** Returns the features the module reads. */
    public int in(ModelSpec spec) {
        return switch (this) {
            case QUERY, KEY, VALUE, GATE, UP -> spec.hiddenSize();
            case OUTPUT -> spec.heads() * spec.headDim();
            case DOWN -> spec.intermediateSize();
        };
    }

    /** Returns the features the module writes. */
    public int out(ModelSpec spec) {
        return switch (this) {
            case QUERY -> spec.heads() * spec.headDim();
            case KEY, VALUE -> spec.kvHeads() * spec.headDim();
            case OUTPUT, DOWN -> spec.hiddenSize();
            case GATE, UP -> spec.intermediateSize();
        };
    }

    /** Returns whether the base module adds a bias. */
    public boolean hasBias(ModelSpec spec) {
        return switch (this) {
            case QUERY, KEY, VALUE -> spec.queryKeyValueBias();
            case OUTPUT -> spec.outputBias();
            case GATE, UP, DOWN -> spec.feedForwardBias();
        };
    }
}
