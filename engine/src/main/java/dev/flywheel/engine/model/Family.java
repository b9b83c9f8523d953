package dev.flywheel.engine.model;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The model families that the engine runs, as {@code config.json} names them. */
public enum Family {
    /** Llama 2 and 3 and everything that is stored as such. */
    LLAMA("LlamaForCausalLM", "llama"),
    /** Qwen 2 and 2.5: as Llama, with a bias on the query, key and value projections. */
    QWEN2("Qwen2ForCausalLM", "qwen2");

    private final String architecture;
    private final String modelType;

    Family(String architecture, String modelType) {
        this.architecture = architecture;
        this.modelType = modelType;
    }

    /** Returns the value of {@code architectures}. */
    public String architecture() {
        return architecture;
    }

    /** Returns the value of {@code model_type}. */
    public String modelType() {
        return modelType;
    }

    static Family ofArchitecture(String name) {
        for (Family family : values()) {
            if (family.architecture.equals(name)) {
                return family;
            }
        }
        String known = Arrays.stream(values())
                .map(Family::architecture)
                .collect(Collectors.joining(", "));
        throw new ModelException(
                ModelException.Code.UNSUPPORTED,
                "config.json: architectures is " + name + ", supported are " + known);
    }
}
