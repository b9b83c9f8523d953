package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.serving.error.ServingException;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the fields that chats and completions share, and refuses those that this node cannot honour. */
final class AskReader {
    private static final Pattern MODEL = Pattern.compile("([^@]*)(?:@([^@]*))?");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");
    private static final List<String> IGNORED = List.of("metadata", "store", "service_tier",
            "safety_identifier", "prompt_cache_key", "prompt_cache_retention");

    private final String base;
    private final String tenant;

    /** @param base what clients call the bare base */
    AskReader(String base, String tenant) {
        this.base = base;
        this.tenant = tenant;
    }

    Ask read(Body body, boolean chat) {
        String model = body.text("model");
        GenerateRequest.Builder request = GenerateRequest.newBuilder()
                .setScope(scope(model).setUser(body.text("user")).setConsent(consent(body)))
                .setSampling(sampling(body))
                .setControlTokens(chat)
                .setMaxTokens(tokensMax(body, chat));
        stops(body.get("stop"), request);
        logProbs(body, chat, request);
        boolean stream = body.flag("stream");
        boolean usage = usage(body, stream);
        if (!chat) {
            request.setPrompt(prompt(body.get("prompt")));
        }
        takeHarmless(body, chat);
        body.refuseOthers();
        return new Ask(request.build(), model, stream, usage);
    }

    /** Reads {@code adapter}, {@code adapter@alias} or {@code adapter@number}; the base has neither. */
    RequestScope.Builder scope(String model) {
        Matcher parts = MODEL.matcher(model);
        if (!parts.matches() || model.isEmpty()) {
            throw ServingException.field("model", model.isEmpty()
                    ? "is empty; give an adapter's name or " + base + ", see /v1/models"
                    : "has more than one @, allowed are adapter, adapter@alias and adapter@number");
        }
        RequestScope.Builder scope = RequestScope.newBuilder().setTenant(tenant);
        if (model.equals(base)) {
            return scope;
        }
        scope.setAdapter(parts.group(1));
        String which = parts.group(2);
        if (which == null) {
            return scope;
        }
        if (which.isEmpty() || NUMBER.matcher(which).matches() && Long.parseLong(which) == 0) {
            throw ServingException.field("model", "ends with @" + which
                    + ", after @ stands an alias or a version's number, from 1");
        }
        return NUMBER.matcher(which).matches() ? scope.setVersionNumber(Long.parseLong(which))
                : scope.setAlias(which);
    }

    private static Consent consent(Body body) {
        return switch (body.text("consent")) {
            case "" -> Consent.CONSENT_UNSPECIFIED;
            case "train" -> Consent.CONSENT_TRAIN;
            case "none" -> Consent.CONSENT_NONE;
            default -> throw ServingException.field("consent",
                    "is another text, allowed are \"train\" and \"none\"");
        };
    }

    /** OpenAI draws unless told otherwise; who gives no seed gets one, which the impression keeps. */
    private static SamplingParams sampling(Body body) {
        return SamplingParams.newBuilder()
                .setTemperature(body.number("temperature", 1))
                .setTopP(body.number("top_p", 0))
                .setTopK(body.count("top_k"))
                .setMinP(body.number("min_p", 0))
                .setRepetitionPenalty(body.number("repetition_penalty", 0))
                .setPresencePenalty(body.number("presence_penalty", 0))
                .setFrequencyPenalty(body.number("frequency_penalty", 0))
                .setSeed(body.has("seed") ? body.whole("seed")
                        : ThreadLocalRandom.current().nextLong())
                .build();
    }

    private static int tokensMax(Body body, boolean chat) {
        String newer = "max_completion_tokens";
        if (chat && body.has(newer) && body.has("max_tokens")) {
            throw ServingException.field(newer, "and max_tokens are both set; give one of them");
        }
        String field = chat && body.has(newer) ? newer : "max_tokens";
        int most = body.count(field);
        if (most == 0 && body.has(field)) {
            throw ServingException.field(field, "is 0, allowed is at least 1");
        }
        return most;
    }

    private static void stops(JsonNode stop, GenerateRequest.Builder request) {
        if (stop.isTextual()) {
            request.addStop(stop.textValue());
        } else if (!stop.isNull()) {
            Body.require(stop, JsonNode::isArray, "stop", "a text or a list of texts")
                    .forEach(each -> request.addStop(Body
                            .require(each, JsonNode::isTextual, "stop", "a text or a list of texts")
                            .textValue()));
        }
    }

    private static void logProbs(Body body, boolean chat, GenerateRequest.Builder request) {
        if (chat) {
            request.setLogProbs(body.flag("logprobs")).setTopLogProbs(body.count("top_logprobs"));
        } else if (body.has("logprobs")) {
            request.setLogProbs(true).setTopLogProbs(body.count("logprobs"));
        }
    }

    private static boolean usage(Body body, boolean stream) {
        JsonNode options = body.get("stream_options");
        if (options.isNull()) {
            return false;
        }
        if (!stream) {
            throw ServingException.field("stream_options", "is set, it needs stream to be true");
        }
        Body.require(options, JsonNode::isObject, "stream_options", "an object");
        options.fieldNames().forEachRemaining(name -> {
            if (!name.equals("include_usage") && !name.equals("include_obfuscation")) {
                throw ServingException.field("stream_options",
                        "has fields that are not supported, allowed is include_usage");
            }
        });
        return options.path("include_usage").asBoolean();
    }

    private static String prompt(JsonNode prompt) {
        if (prompt.isArray() && prompt.size() == 1 && prompt.get(0).isTextual()) {
            return prompt.get(0).textValue();
        }
        return prompt.isNull() ? ""
                : Body.require(prompt, JsonNode::isTextual, "prompt", "one text").textValue();
    }

    private static void takeHarmless(Body body, boolean chat) {
        IGNORED.forEach(body::ignore);
        body.only("n", node -> node.isInt() && node.intValue() == 1, "1");
        body.only("logit_bias", JsonNode::isEmpty, "an empty object");
        if (chat) {
            body.only("response_format", node -> node.path("type").asText().equals("text"),
                    "{\"type\":\"text\"}");
            body.only("tools", JsonNode::isEmpty, "an empty list");
            body.only("tool_choice", node -> node.asText().equals("none"), "\"none\"");
            body.ignore("parallel_tool_calls");
        } else {
            body.only("best_of", node -> node.isInt() && node.intValue() == 1, "1");
            body.only("echo", node -> node.isBoolean() && !node.booleanValue(), "false");
            body.only("suffix", node -> node.asText().isEmpty() && node.isTextual(), "\"\"");
        }
    }
}
