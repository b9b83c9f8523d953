package dev.flywheel.serving.rpc;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.access.Caller;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.settings.RequestSettings;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** What a request must look like. Each refusal names the field, what came and what is allowed. */
final class RequestRules {
    private static final int ID_CHARS_MAX = 128;
    private static final int STOPS_MAX = 16;
    private static final int STOP_CHARS_MAX = 64;
    private static final float TEMPERATURE_MAX = 100;
    private static final float REPETITION_MIN = 0.01f;
    private static final float REPETITION_MAX = 10;
    private static final float PENALTY_MAX = 2;
    private static final int TOP_TOKENS_MAX = 20;
    /** One segment of an adapter name; tenants and aliases use the same alphabet. */
    private static final Pattern SEGMENT = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

    private final RequestSettings limits;

    RequestRules(RequestSettings limits) {
        this.limits = limits;
    }

    void check(RankRequest request) {
        check(request.getScope());
        requireText("context", request.getContext(), true);
        int count = request.getCandidatesCount();
        requireCount("candidates", count, limits.candidatesMax());
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < count; i++) {
            Candidate candidate = request.getCandidates(i);
            String field = "candidates[" + i + "]";
            if (candidate.getId().isEmpty()) {
                throw ServingException.field(field + ".id", "is empty, every candidate needs one");
            }
            requireShort(field + ".id", candidate.getId());
            if (!ids.add(candidate.getId())) {
                throw ServingException.field(field + ".id",
                        "stands twice, ids must be unique in the request");
            }
            requireText(field + ".text", candidate.getText(), false);
        }
        requireAtMost("slate_size", request.getSlateSize(), limits.candidatesMax());
    }

    void check(GenerateRequest request) {
        check(request.getScope());
        requireText("prompt", request.getPrompt(), false);
        requireAtMost("max_tokens", request.getMaxTokens(), limits.tokensMax());
        check(request.getSampling());
        requireAtMost("top_log_probs", request.getTopLogProbs(), TOP_TOKENS_MAX);
        if (request.getTopLogProbs() > 0 && !request.getLogProbs()) {
            throw ServingException.field("top_log_probs",
                    "is " + request.getTopLogProbs() + ", it needs log_probs to be set");
        }
        List<String> stops = request.getStopList();
        if (stops.size() > STOPS_MAX) {
            throw ServingException.field("stop",
                    "has " + stops.size() + " entries, at most " + STOPS_MAX + " are allowed");
        }
        for (int i = 0; i < stops.size(); i++) {
            int length = stops.get(i).length();
            if (length == 0 || length > STOP_CHARS_MAX) {
                throw ServingException.field("stop[" + i + "]",
                        "has " + length + " characters, allowed are 1 to " + STOP_CHARS_MAX);
            }
        }
    }

    void check(ScoreRequest request) {
        check(request.getScope());
        requireText("prompt", request.getPrompt(), false);
        requireCount("continuations", request.getContinuationsCount(),
                limits.continuationsMax());
        for (int i = 0; i < request.getContinuationsCount(); i++) {
            requireText("continuations[" + i + "]", request.getContinuations(i), false);
        }
    }

    static String tenantOf(RequestScope scope) {
        return scope.getTenant().isEmpty() ? "default" : scope.getTenant();
    }

    private static void check(SamplingParams sampling) {
        requireWithin("sampling.temperature", sampling.getTemperature(), TEMPERATURE_MAX);
        requireWithin("sampling.top_p", sampling.getTopP(), 1);
        requireAtMost("sampling.top_k", sampling.getTopK(), Integer.MAX_VALUE);
        requireWithin("sampling.min_p", sampling.getMinP(), 1);
        requireRepetition(sampling.getRepetitionPenalty());
        requireAround("sampling.presence_penalty", sampling.getPresencePenalty());
        requireAround("sampling.frequency_penalty", sampling.getFrequencyPenalty());
    }

    private static void check(RequestScope scope) {
        requireShort("scope.request_id", scope.getRequestId());
        requireShort("scope.user", scope.getUser());
        requireSegment("scope.tenant", scope.getTenant());
        requireSegment("scope.alias", scope.getAlias());
        requireReach(tenantOf(scope));
        if (!scope.getAdapter().isEmpty()) {
            requireName(scope.getAdapter());
        } else if (!scope.getAlias().isEmpty() || scope.getVersionNumber() != 0) {
            throw ServingException.field("scope.adapter",
                    "is empty, but an alias or version of it is asked for");
        }
        if (!scope.getAlias().isEmpty() && scope.getVersionNumber() != 0) {
            throw ServingException.field("scope.version_number",
                    "and scope.alias are both set, allowed is one of them");
        }
        if (scope.getVersionNumber() < 0) {
            throw ServingException.field("scope.version_number",
                    "is " + Long.toUnsignedString(scope.getVersionNumber())
                            + ", allowed is at most " + Long.MAX_VALUE);
        }
        if (scope.getConsent() == Consent.UNRECOGNIZED) {
            throw ServingException.field("scope.consent",
                    "is " + scope.getConsentValue()
                            + ", allowed are unspecified, train and none");
        }
    }

    /** Refuses a tenant that the caller's credential is not for. */
    static void requireReach(String tenant) {
        if (!Caller.currentMayActFor(tenant)) {
            throw ServingException.of(ErrorCode.AUTH, "the credential is not for this tenant");
        }
    }

    private static void requireName(String adapter) {
        try {
            var unused = new AdapterName(adapter);
        } catch (IllegalArgumentException e) {
            throw ServingException.field("scope.adapter", "is not a name, allowed are one or two"
                    + " segments of 1 to 63 characters a-z, 0-9 and -, joined by /,"
                    + " such as news/ranker");
        }
    }

    private static void requireSegment(String field, String value) {
        if (!value.isEmpty() && !SEGMENT.matcher(value).matches()) {
            throw ServingException.field(field,
                    "is not a name, allowed are 1 to 63 characters a-z, 0-9 and -,"
                            + " the first no -");
        }
    }

    private static void requireShort(String field, String value) {
        if (value.length() > ID_CHARS_MAX) {
            throw ServingException.field(field, "has " + value.length()
                    + " characters, at most " + ID_CHARS_MAX + " are allowed");
        }
    }

    private void requireText(String field, String text, boolean emptyAllowed) {
        if (text.isEmpty() && !emptyAllowed) {
            throw ServingException.field(field, "is empty, it needs some text");
        }
        if (text.length() > limits.textCharsMax()) {
            throw ServingException.tooLong(field, text.length(), limits.textCharsMax(),
                    "characters");
        }
    }

    private static void requireCount(String field, int count, int most) {
        if (count < 1 || count > most) {
            throw ServingException.field(field,
                    "has " + count + " entries, allowed are 1 to " + most);
        }
    }

    /** Protobuf's unsigned numbers are Java's signed ones: huge ones come as negative. */
    private static void requireAtMost(String field, int value, int most) {
        if (value < 0 || value > most) {
            throw ServingException.field(field,
                    "is " + Integer.toUnsignedString(value) + ", at most " + most
                            + " is allowed");
        }
    }

    /** So small a divisor that scores overflow is no penalty. */
    private static void requireRepetition(float value) {
        if (!(value == 0 || value >= REPETITION_MIN && value <= REPETITION_MAX)) {
            throw ServingException.field("sampling.repetition_penalty", "is " + value
                    + ", allowed are 0 and " + REPETITION_MIN + " to " + REPETITION_MAX);
        }
    }

    private static void requireAround(String field, float value) {
        if (!(Math.abs(value) <= PENALTY_MAX)) {
            throw ServingException.field(field, "is " + value + ", allowed is " + -PENALTY_MAX
                    + " to " + PENALTY_MAX);
        }
    }

    private static void requireWithin(String field, float value, float most) {
        if (!(value >= 0 && value <= most)) {
            throw ServingException.field(field, "is " + value + ", allowed is 0 to " + most);
        }
    }
}
