package dev.flywheel.serving.metrics;

/** What a request asks for, as {@code gen_ai.operation.name} says it. */
public enum Operation {
    GENERATE("text_completion"), RANK("rank"), SCORE("score");

    private final String label;

    Operation(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }
}
