package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LocateFeedbackRequest;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.api.v1.WithdrawRequest;
import dev.flywheel.store.core.Limits;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Checks of whole requests, field by field, before anything else sees them. */
final class Requests {
    private static final int RANK_MAX = 1_024;
    private static final int MODULES_MAX = 4_096;
    private static final int PEFT_FIELDS_MAX = 65_536;
    /** As many as an impression has candidates at most. */
    private static final int OPTIONS_MAX = 10_000;
    private static final int FEEDBACK_MAX = 4_096;
    private static final int LOCATED_MAX = 1_000;

    private final Limits limits;
    private final SettingChecks settings;

    Requests(Limits limits) {
        this.limits = limits;
        this.settings = new SettingChecks(limits);
    }

    void check(CreateAdapterRequest request) {
        Fields.adapter("name", request.getName());
        Fields.optionalText("tenant", request.getTenant(), limits.textMax());
        Fields.digest("base_digest", request.getBaseDigest());
        Fields.digest("start_digest", request.getStartDigest());
        if (request.getRelease() != ReleasePolicy.RELEASE_POLICY_IMMEDIATE
                && request.getRelease() != ReleasePolicy.RELEASE_POLICY_MANUAL) {
            throw Errors.badField("release", "must be IMMEDIATE or MANUAL, was "
                    + request.getRelease().name());
        }
        check(request.getLora());
        settings.check(request.getRound());
        SettingChecks.check(request.getLearning());
        SettingChecks.check(request.getExploration());
        SettingChecks.check(request.getQuota());
        Fields.optionalText("actor", request.getActor(), limits.textMax());
        int characters = request.getPeftFieldsMap()
                .entrySet()
                .stream()
                .mapToInt(field -> field.getKey().length() + field.getValue().length())
                .sum();
        if (characters > PEFT_FIELDS_MAX) {
            throw Errors.badField("peft_fields", "must have at most " + PEFT_FIELDS_MAX
                    + " characters in all, had " + characters);
        }
    }

    void check(ConfigureAdapterRequest request) {
        Fields.adapter("name", request.getName());
        Fields.number("expected_revision", request.getExpectedRevision());
        if (request.hasRound()) {
            settings.check(request.getRound());
        }
        if (request.getRelease() == ReleasePolicy.UNRECOGNIZED) {
            throw Errors.badField("release", "must be IMMEDIATE, MANUAL or unset, was "
                    + request.getReleaseValue());
        }
        SettingChecks.check(request.getLearning());
        SettingChecks.check(request.getExploration());
        SettingChecks.check(request.getQuota());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(DeleteAdapterRequest request) {
        Fields.adapter("name", request.getName());
        Fields.number("expected_revision", request.getExpectedRevision());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    private static void check(LoraSettings lora) {
        Fields.within("lora.rank", Integer.toUnsignedLong(lora.getRank()), 1, RANK_MAX);
        Fields.deviceAboveZero("lora.alpha", lora.getAlpha());
        Fields.within("lora.target_modules", lora.getTargetModulesCount(), 1, MODULES_MAX);
        for (int i = 0; i < lora.getTargetModulesCount(); i++) {
            Fields.module("lora.target_modules[" + i + "]", lora.getTargetModules(i));
        }
        Fields.within("lora.module_ranks", lora.getModuleRanksCount(), 0, MODULES_MAX);
        lora.getModuleRanksMap().forEach((module, rank) -> {
            Fields.module("lora.module_ranks", module);
            Fields.within("lora.module_ranks[" + module + "]", Integer.toUnsignedLong(rank), 1,
                    RANK_MAX);
        });
        Fields.within("lora.module_alphas", lora.getModuleAlphasCount(), 0, MODULES_MAX);
        lora.getModuleAlphasMap().forEach((module, alpha) -> {
            Fields.module("lora.module_alphas", module);
            Fields.deviceAboveZero("lora.module_alphas[" + module + "]", alpha);
        });
    }

    void check(SetAliasRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.alias("alias", request.getAlias());
        Fields.number("version", request.getVersion());
        Fields.number("expected_revision", request.getExpectedRevision());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(AcquireEpochRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.text("writer", request.getWriter(), limits.textMax());
    }

    void check(RollbackRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.number("version", request.getVersion());
        Fields.number("expected_head", request.getExpectedHead());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(ExciseRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.within("versions", request.getVersionsCount(), 1, limits.listMax());
        Fields.number("expected_head", request.getExpectedHead());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(ReadmitRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.within("versions", request.getVersionsCount(), 1, limits.listMax());
        Fields.number("expected_head", request.getExpectedHead());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(ForgetRequest request) {
        Fields.optionalText("tenant", request.getTenant(), limits.textMax());
        Fields.text("user", request.getUser(), limits.textMax());
        Fields.text("actor", request.getActor(), limits.textMax());
        Fields.optionalText("reason", request.getReason(), limits.textMax());
    }

    void check(PutReplayRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.within("seq", request.getSeq(), 1, Long.MAX_VALUE);
        Fields.number("epoch", request.getEpoch());
        Fields.number("parent", request.getParent());
        Fields.text("backend", request.getBackend(), limits.textMax());
    }

    void check(PutManifestRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.within("seq", request.getSeq(), 1, Long.MAX_VALUE);
        Fields.number("epoch", request.getEpoch());
        Fields.number("parent", request.getParent());
        Fields.text("backend", request.getBackend(), limits.textMax());
        Fields.number("adapter_revision", request.getAdapterRevision());
        Fields.within("examples", request.getExamplesCount(), 1, limits.examplesMax());
        Fields.within("the request's bytes", request.getSerializedSize(), 1,
                limits.manifestBytesMax());
        for (int i = 0; i < request.getOriginsCount(); i++) {
            Fields.number("origins[" + i + "].partition", request.getOrigins(i).getPartition());
            Fields.number("origins[" + i + "].offset", request.getOrigins(i).getOffset());
        }
        Map<String, Integer> seen = new HashMap<>();
        for (int i = 0; i < request.getExamplesCount(); i++) {
            Example example = request.getExamples(i);
            check("examples[" + i + "].", example, request.getAdapter());
            Integer first = seen.putIfAbsent(example.getExampleId(), i);
            if (first != null) {
                throw Errors.badField("examples[" + i + "].example_id",
                        "must not repeat that of examples[" + first + "]");
            }
        }
    }

    private void check(String at, Example example, String adapter) {
        Fields.digest(at + "example_id", example.getExampleId());
        if (!example.getAdapter().equals(adapter)) {
            throw Errors.badField(at + "adapter", "must be that of the request, " + adapter
                    + ", was '" + cut(example.getAdapter()) + "'");
        }
        Fields.optionalText(at + "tenant", example.getTenant(), limits.textMax());
        Fields.optionalText(at + "user", example.getUser(), limits.textMax());
        Fields.number(at + "served_version", example.getServedVersion());
        Fields.within(at + "feedback", example.getFeedbackCount(), 0, FEEDBACK_MAX);
        Fields.within(at + "options", example.getOptionsCount(), 1, OPTIONS_MAX);
        Fields.above(at + "weight", example.getWeight(), 0);
        Fields.within(at + "sampling_rate", example.getSamplingRate(), Double.MIN_VALUE, 1);
        for (int i = 0; i < example.getOptionsCount(); i++) {
            check(at + "options[" + i + "].", example.getOptions(i));
        }
    }

    private static void check(String at, LabelledOption option) {
        Fields.finite(at + "label", option.getLabel());
        Fields.finite(at + "served_score", option.getServedScore());
        Fields.within(at + "propensity", option.getPropensity(), 0, 1);
    }

    private static String cut(String value) {
        return value.length() > 80 ? value.substring(0, 80) + "..." : value;
    }

    void check(WithdrawRequest request) {
        check("feedback.", request.getFeedback());
    }

    void check(LocateFeedbackRequest request) {
        Fields.within("feedback", request.getFeedbackCount(), 1, LOCATED_MAX);
        for (int i = 0; i < request.getFeedbackCount(); i++) {
            check("feedback[" + i + "].", request.getFeedback(i));
        }
    }

    private void check(String at, FeedbackKey key) {
        Fields.text(at + "feedback_id", key.getFeedbackId(), limits.textMax());
        Fields.optionalText(at + "source", key.getSource(), limits.textMax());
    }

    void check(PutOutcomeRequest request) {
        Fields.adapter("adapter", request.getAdapter());
        Fields.within("seq", request.getSeq(), 1, Long.MAX_VALUE);
        Fields.number("epoch", request.getEpoch());
        if (request.getOutcome() == Outcome.OUTCOME_UNSPECIFIED
                || request.getOutcome() == Outcome.UNRECOGNIZED) {
            throw Errors.badField("outcome", "must be COMMITTED, REJECTED or ABANDONED, was "
                    + request.getOutcome().name());
        }
        Fields.within("figures", request.getFigures().getSerializedSize(), 0,
                16L * limits.textMax());
        if (request.getOutcome() == Outcome.OUTCOME_COMMITTED) {
            Fields.digest("weights_digest", request.getWeightsDigest());
            Fields.digest("optimizer_digest", request.getOptimizerDigest());
            Fields.text("probe_fingerprint", request.getProbeFingerprint(), limits.textMax());
        }
        Fields.within("untrainable", request.getUntrainableCount(), 0,
                request.getOutcome() == Outcome.OUTCOME_ABANDONED ? 0 : limits.examplesMax());
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < request.getUntrainableCount(); i++) {
            check("untrainable[" + i + "].", request.getUntrainable(i), seen);
        }
    }

    private void check(String at, UntrainableExample example, Set<String> seen) {
        Fields.digest(at + "example_id", example.getExampleId());
        if (!seen.add(example.getExampleId())) {
            throw Errors.badField(at + "example_id", "must not repeat an earlier one");
        }
        if (example.getReason() == UntrainableReason.UNTRAINABLE_REASON_UNSPECIFIED) {
            throw Errors.badField(at + "reason", "must be named, was UNSPECIFIED");
        }
        Fields.optionalText(at + "detail", example.getDetail(), limits.textMax());
    }

    /** 0 asks for as many as one reply may hold. */
    int limit(int asked) {
        long limit = Integer.toUnsignedLong(asked);
        Fields.within("limit", limit, 0, limits.listMax());
        return limit == 0 ? limits.listMax() : (int) limit;
    }
}
