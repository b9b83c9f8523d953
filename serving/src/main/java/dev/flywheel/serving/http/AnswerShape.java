package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.Usage;
import dev.flywheel.api.v1.VersionRef;

/** How one answer looks as JSON: a chat's or a completion's, whole or in pieces. Not thread-safe. */
final class AnswerShape {
    private final boolean chat;
    private final String id;
    private final long created;
    private final Ask ask;
    private final LogProbShape logProbs;

    AnswerShape(boolean chat, String id, long created, Ask ask, LogProbShape logProbs) {
        this.chat = chat;
        this.id = (chat ? "chatcmpl-" : "cmpl-") + id;
        this.created = created;
        this.ask = ask;
        this.logProbs = logProbs;
    }

    /** @param tokens all of the answer's, in one */
    ObjectNode whole(String text, GenerateReply tokens, GenerateReply last) {
        ObjectNode json = head(chat ? "chat.completion" : "text_completion");
        ObjectNode choice = choice(json);
        if (chat) {
            choice.putObject("message")
                    .put("role", "assistant")
                    .put("content", text)
                    .putNull("refusal");
        } else {
            choice.put("text", text);
        }
        probabilities(choice, tokens);
        finish(choice, last);
        json.set("usage", usage(last.getUsage()));
        json.set("flywheel", flywheel(last));
        return json;
    }

    /** The role that a streamed chat begins with. */
    ObjectNode opening() {
        ObjectNode json = chunk();
        choice(json).putNull("finish_reason")
                .putObject("delta")
                .put("role", "assistant")
                .put("content", "");
        return json;
    }

    ObjectNode piece(GenerateReply reply) {
        ObjectNode json = chunk();
        ObjectNode choice = choice(json);
        if (chat) {
            choice.putObject("delta").put("content", reply.getText());
        } else {
            choice.put("text", reply.getText());
        }
        probabilities(choice, reply);
        finish(choice, reply);
        if (ended(reply)) {
            json.set("flywheel", flywheel(reply));
        }
        if (ask.usage()) {
            json.putNull("usage");
        }
        return json;
    }

    /** What a stream ends with if its client asks for it. */
    ObjectNode used(GenerateReply last) {
        ObjectNode json = chunk();
        json.putArray("choices");
        json.set("usage", usage(last.getUsage()));
        return json;
    }

    static boolean ended(GenerateReply reply) {
        return reply.getFinishReason() != FinishReason.FINISH_REASON_UNSPECIFIED;
    }

    private ObjectNode chunk() {
        return head(chat ? "chat.completion.chunk" : "text_completion");
    }

    private ObjectNode head(String object) {
        return JsonNodeFactory.instance.objectNode()
                .put("id", id)
                .put("object", object)
                .put("created", created)
                .put("model", ask.model());
    }

    private static ObjectNode choice(ObjectNode json) {
        return json.putArray("choices").addObject().put("index", 0);
    }

    private void probabilities(ObjectNode choice, GenerateReply reply) {
        if (!ask.request().getLogProbs()) {
            choice.putNull("logprobs");
        } else if (chat) {
            ArrayNode content = choice.putObject("logprobs").putArray("content");
            reply.getLogProbsList().forEach(token -> logProbs.chat(content.addObject(), token));
        } else {
            logProbs.completion(choice.putObject("logprobs"), reply.getLogProbsList());
        }
    }

    private static void finish(ObjectNode choice, GenerateReply reply) {
        choice.put("finish_reason", switch (reply.getFinishReason()) {
            case FINISH_REASON_LENGTH -> "length";
            case FINISH_REASON_EOS, FINISH_REASON_STOP -> "stop";
            case FINISH_REASON_UNSPECIFIED, UNRECOGNIZED -> null;
        });
    }

    private static ObjectNode usage(Usage usage) {
        return JsonNodeFactory.instance.objectNode()
                .put("prompt_tokens", usage.getPromptTokens())
                .put("completion_tokens", usage.getCompletionTokens())
                .put("total_tokens", usage.getPromptTokens() + usage.getCompletionTokens());
    }

    private static ObjectNode flywheel(GenerateReply last) {
        VersionRef version = last.getVersion();
        return JsonNodeFactory.instance.objectNode()
                .put("adapter", version.getAdapter())
                .put("version", version.getNumber())
                .put("digest", version.getDigest())
                .put("base_digest", version.getBaseDigest())
                .put("impression_id", last.getImpressionId())
                .put("feedback_token", last.getFeedbackToken());
    }
}
