package dev.flywheel.serving.http;

/**
 * What requests of this interface call the fields of {@code flywheel.v1}.
 *
 * @param prompt what becomes the prompt
 * @param tokensMax what limits the answer
 * @param top what asks for the most probable tokens
 */
record FieldNames(String prompt, String tokensMax, String top) {
    static final FieldNames NONE = new FieldNames("prompt", "max_tokens", "logprobs");

    String of(String field) {
        return switch (field) {
            case "prompt" -> prompt;
            case "max_tokens" -> tokensMax;
            case "top_log_probs" -> top;
            case "scope.adapter", "scope.alias", "scope.version_number" -> "model";
            case "scope.tenant" -> OpenAiNode.TENANT_HEADER;
            default -> field.substring(field.indexOf('.') + 1);
        };
    }
}
