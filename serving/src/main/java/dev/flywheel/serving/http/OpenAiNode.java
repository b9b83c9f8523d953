package dev.flywheel.serving.http;

import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.engine.chat.Chat;
import dev.flywheel.engine.jinja.TemplateException;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.ServingMetrics;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** What is behind each path. Thread-safe; may wait for a version to be loaded. */
public final class OpenAiNode {
    static final String TENANT_HEADER = "flywheel-tenant";
    private static final String MODELS = "/v1/models";
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final String DEFAULT_TENANT = "default";

    private final Generation generation;
    private final Tokenizer tokenizer;
    private final ChatModel model;
    private final ServingMetrics metrics;
    private final InstantSource clock;
    private final ModelList models;

    public OpenAiNode(ServedVersions versions, Generation generation, Tokenizer tokenizer,
            ChatModel model, ServingMetrics metrics, InstantSource clock) {
        this.generation = generation;
        this.tokenizer = tokenizer;
        this.model = model;
        this.metrics = metrics;
        this.clock = clock;
        this.models = new ModelList(versions, model.name(), seconds());
    }

    private long seconds() {
        return clock.instant().getEpochSecond();
    }

    /** Answers a request, now or later; a fault of this node is for the caller to tell. */
    void handle(HttpRequestHead head, byte[] body, HttpReply out, Executor executor) {
        switch (head.path()) {
            case COMPLETIONS, CHATS -> {
                if (allowed(head, "POST", out)) {
                    generate(head, body, out, executor);
                }
            }
            default -> {
                boolean known = head.path().equals(MODELS) || head.path().startsWith(MODELS + "/");
                if (!known) {
                    out.refuse(HttpFailure.of(404, "no_such_path",
                            "there is no such path; there are " + String.join(", ", MODELS,
                                    COMPLETIONS, CHATS)));
                } else if (allowed(head, "GET", out)) {
                    models(head, out);
                }
            }
        }
    }

    private static boolean allowed(HttpRequestHead head, String method, HttpReply out) {
        boolean allowed = head.method().equals(method);
        if (!allowed) {
            out.refuse(HttpFailure.of(405, "method_not_allowed",
                    head.path() + " is asked for with " + method));
        }
        return allowed;
    }

    /** Who names no tenant acts for the one that its credential is for, else for the default one. */
    private static String tenantOf(HttpRequestHead head) {
        if (!head.tenant().isEmpty()) {
            return head.tenant();
        }
        return head.caller().tenants().size() == 1 ? head.caller().tenants().iterator().next()
                : DEFAULT_TENANT;
    }

    private void models(HttpRequestHead head, HttpReply out) {
        String tenant = tenantOf(head);
        if (!head.caller().mayActFor(tenant)) {
            out.refuse(HttpFailure.of(403, "permission_denied",
                    "the credential is not for this tenant"));
        } else if (head.path().equals(MODELS)) {
            out.answer(200, models.all(tenant), Map.of());
        } else {
            String name = decoded(head.path().substring(MODELS.length() + 1));
            models.find(tenant, name)
                    .ifPresentOrElse(json -> out.answer(200, json, Map.of()),
                            () -> out.refuse(HttpFailure.of(404, "model_not_found",
                                    "there is no such model for this tenant, see " + MODELS)));
        }
    }

    private static String decoded(String path) {
        try {
            return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private void generate(HttpRequestHead head, byte[] bytes, HttpReply out, Executor executor) {
        boolean chat = head.path().equals(CHATS);
        String method = chat ? "ChatCompletions" : "Completions";
        try {
            Body body = Body.read(bytes);
            Chat messages = chat ? chat(body) : null;
            Ask ask = new AskReader(model.name(), tenantOf(head)).read(body, chat);
            FieldNames names = new FieldNames(chat ? "messages" : "prompt",
                    body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens",
                    chat ? "top_logprobs" : "logprobs");
            GenerateRequest request = messages == null ? ask.request()
                    : ask.request().toBuilder().setPrompt(rendered(messages)).build();
            Supplier<int[]> ids = messages == null ? () -> tokenizer.encode(request.getPrompt())
                    : () -> encoded(messages);
            HttpAnswer answer = new HttpAnswer(ask, chat, names,
                    new AnswerShape(chat, UUID.randomUUID().toString(), seconds(), ask,
                            new LogProbShape(tokenizer)),
                    out, executor,
                    code -> metrics.request(method, code.name()));
            generation.generate(request, ids, answer);
            answer.listen();
        } catch (ServingException refused) {
            metrics.refusal(refused.code().name());
            metrics.request(method, "INVALID_ARGUMENT");
            out.refuse(HttpFailure.of(refused));
        }
    }

    private Chat chat(Body body) {
        if (model.templates().names().isEmpty()) {
            throw ServingException.named("messages", "model " + model.name()
                    + " has no chat template; send the text as prompt to " + COMPLETIONS);
        }
        return ChatReader.read(body.get("messages"));
    }

    private String rendered(Chat chat) {
        try {
            return model.templates().render(chat, null);
        } catch (TemplateException refused) {
            throw ServingException.field("messages",
                    "are refused by the model's chat template: " + refused.getMessage());
        }
    }

    /** What the messages spell is text, never a control token. */
    private int[] encoded(Chat chat) {
        try {
            return model.templates().encode(chat, null, false);
        } catch (IllegalArgumentException spelled) {
            throw ServingException.field("messages",
                    "cannot be read: " + spelled.getMessage());
        }
    }
}
