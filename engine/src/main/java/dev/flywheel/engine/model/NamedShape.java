package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The shapes of models that many know, to measure on without their weights. */
public enum NamedShape {
    /** SmolLM2 of 135 million parameters. */
    SMOLLM2_135M("smollm2-135m"),
    /** Qwen 2.5 of half a billion. */
    QWEN2_5_0_5B("qwen2.5-0.5b"),
    /** Llama 3.2 of a billion. */
    LLAMA_3_2_1B("llama-3.2-1b");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String label;

    NamedShape(String label) {
        this.label = label;
    }

    /** Returns what users call it. */
    public String label() {
        return label;
    }

    /** Returns the labels of all. */
    public static List<String> labels() {
        return Arrays.stream(values()).map(NamedShape::label).toList();
    }

    /** Finds a shape by its label. */
    public static Optional<NamedShape> labelled(String label) {
        return Arrays.stream(values()).filter(each -> each.label.equals(label)).findFirst();
    }

    /**
     * Returns the shape with the tokens of another tokenizer, whose vocabulary must not be the larger one.
     *
     * @param bosId token that begins a text
     * @param eosId token that ends a text
     */
    public ModelSpec spec(int bosId, int eosId) {
        try (InputStream in = NamedShape.class.getResourceAsStream("shapes/" + label + ".json")) {
            if (in == null) {
                throw new IllegalStateException("the shape of " + label + " was not packaged");
            }
            ObjectNode config = (ObjectNode) JSON.readTree(in);
            config.put("bos_token_id", bosId).put("eos_token_id", eosId);
            return ModelSpec.parse(JSON.writeValueAsBytes(config));
        } catch (IOException e) {
            throw new UncheckedIOException("the shape of " + label + " cannot be read", e);
        }
    }
}
