package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every refusal names the field, and costs the node nothing. */
@Timeout(120)
class BadRequestTest {
    @TempDir private static Path folder;
    private static Node node;

    @BeforeAll
    static void start() throws Exception {
        node = new Node(folder);
        node.publisher.create("tenant-a/secret", "tenant-a");
        node.ready();
    }

    @AfterAll
    static void stop() throws Exception {
        assertThat(node.serving.freeBlocks()).isEqualTo(Node.DEVICE.kvBlocks());
        assertThat(node.impressions).isEmpty();
        node.close();
    }

    private record Case(String field, Runnable call) {}

    @TestFactory
    Stream<DynamicTest> theFieldIsNamed() {
        List<Case> cases = new ArrayList<>();
        scopes(cases);
        ranks(cases);
        generates(cases);
        cases.add(score("prompt", r -> r.clearPrompt()));
        cases.add(score("continuations", r -> r.clearContinuations()));
        cases.add(score("continuations[1]", r -> r.addContinuations("")));
        cases.add(score("continuations", r -> {
            for (int i = 0; i < 16; i++) {
                r.addContinuations("c");
            }
        }));
        return cases.stream().map(each -> DynamicTest.dynamicTest(each.field(), () -> {
            StatusRuntimeException refused = Errors.of(each.call());
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            BadRequest detail = Errors.detail(refused, BadRequest.class);
            assertThat(detail.getFieldViolations(0).getField()).isEqualTo(each.field());
            ErrorInfo info = Errors.detail(refused, ErrorInfo.class);
            assertThat(info.getDomain()).isEqualTo("flywheel");
            assertThat(info.getReason()).isIn("BAD_FIELD", "CONTEXT_TOO_LONG");
            assertThat(refused.getStatus().getDescription()).contains(each.field());
        }));
    }

    private static void scopes(List<Case> cases) {
        String longText = "x".repeat(129);
        for (String name : List.of("../../etc/passwd", "/abs", "UPPER", "a/b/c", "-a", "a//b",
                "http://host/x", "a\u0000b", "naïve", "x".repeat(10_000))) {
            cases.add(scope("scope.adapter", s -> s.setAdapter(name)));
        }
        cases.add(scope("scope.tenant", s -> s.setTenant("../b")));
        cases.add(scope("scope.tenant", s -> s.setTenant("a/b")));
        cases.add(scope("scope.alias", s -> s.setAdapter("a").setAlias("Serving!")));
        cases.add(scope("scope.version_number",
                s -> s.setAdapter("a").setAlias("serving").setVersionNumber(1)));
        cases.add(scope("scope.version_number", s -> s.setAdapter("a").setVersionNumber(-1)));
        cases.add(scope("scope.adapter", s -> s.setAlias("serving")));
        cases.add(scope("scope.adapter", s -> s.setVersionNumber(3)));
        cases.add(scope("scope.request_id", s -> s.setRequestId(longText)));
        cases.add(scope("scope.user", s -> s.setUser(longText)));
        cases.add(scope("scope.consent", s -> s.setConsentValue(99)));
    }

    private static void ranks(List<Case> cases) {
        cases.add(rank("candidates", r -> r.clearCandidates()));
        cases.add(rank("candidates", r -> {
            for (int i = 0; i < 256; i++) {
                r.addCandidates(Candidate.newBuilder().setId("c" + i).setText("t"));
            }
        }));
        cases.add(rank("candidates[1].id", r -> r.addCandidates(
                Candidate.newBuilder().setText("no id"))));
        cases.add(rank("candidates[1].id", r -> r.addCandidates(
                Candidate.newBuilder().setId("only").setText("twice"))));
        cases.add(rank("candidates[1].id", r -> r.addCandidates(
                Candidate.newBuilder().setId("x".repeat(129)).setText("t"))));
        cases.add(rank("candidates[1].text", r -> r.addCandidates(
                Candidate.newBuilder().setId("empty"))));
        cases.add(rank("candidates[1].text", r -> r.addCandidates(
                Candidate.newBuilder().setId("long").setText("x".repeat(600)))));
        cases.add(rank("candidates[1].text", r -> r.addCandidates(
                Candidate.newBuilder().setId("huge").setText("x".repeat(100_000)))));
        cases.add(rank("context", r -> r.setContext("x".repeat(600))));
        cases.add(rank("slate_size", r -> r.setSlateSize(-1)));
        cases.add(rank("slate_size", r -> r.setSlateSize(257)));
    }

    private static void generates(List<Case> cases) {
        cases.add(generate("prompt", r -> r.clearPrompt()));
        cases.add(generate("prompt", r -> r.setPrompt("x".repeat(512))));
        cases.add(generate("max_tokens", r -> r.setMaxTokens(513)));
        cases.add(generate("max_tokens", r -> r.setMaxTokens(-1)));
        cases.add(generate("max_tokens", r -> r.setMaxTokens(Integer.MIN_VALUE)));
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1, 1e30f}) {
            cases.add(sampling("sampling.temperature", s -> s.setTemperature(bad)));
            cases.add(sampling("sampling.top_p", s -> s.setTopP(bad)));
            cases.add(sampling("sampling.min_p", s -> s.setMinP(bad)));
            cases.add(sampling("sampling.repetition_penalty", s -> s.setRepetitionPenalty(bad)));
            cases.add(sampling("sampling.presence_penalty", s -> s.setPresencePenalty(3 * bad)));
            cases.add(sampling("sampling.frequency_penalty", s -> s.setFrequencyPenalty(3 * bad)));
        }
        cases.add(sampling("sampling.top_k", s -> s.setTopK(-1)));
        cases.add(generate("top_log_probs", r -> r.setLogProbs(true).setTopLogProbs(21)));
        cases.add(generate("top_log_probs", r -> r.setTopLogProbs(1)));
        cases.add(sampling("sampling.repetition_penalty", s -> s.setRepetitionPenalty(1e-40f)));
        cases.add(generate("stop[0]", r -> r.addStop("")));
        cases.add(generate("stop[0]", r -> r.addStop("x".repeat(65))));
        cases.add(generate("stop", r -> {
            for (int i = 0; i < 17; i++) {
                r.addStop("s");
            }
        }));
    }

    @Test
    void anUnknownAdapterIsNotFoundByName() {
        StatusRuntimeException refused = Errors.of(() -> node.inference()
                .rank(
                        rankRequest().setScope(RequestScope.newBuilder().setAdapter("no/such"))
                                .build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(Errors.detail(refused, ErrorInfo.class).getReason())
                .isEqualTo("ADAPTER_NOT_FOUND");
        assertThat(Errors.detail(refused, ResourceInfo.class).getResourceName())
                .isEqualTo("no/such");
    }

    /** P9: to others, a tenant's adapter does not exist. */
    @Test
    void anotherTenantsAdapterIsAsUnknownAsOneThatDoesNotExist() {
        RequestScope.Builder other = RequestScope.newBuilder()
                .setAdapter("tenant-a/secret")
                .setTenant("tenant-b");
        StatusRuntimeException refused = Errors.of(
                () -> node.inference().rank(rankRequest().setScope(other).build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        StatusRuntimeException exact = Errors.of(() -> node.inference()
                .rank(
                        rankRequest().setScope(other.setVersionNumber(1)).build()));
        assertThat(exact.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    }

    @Test
    void aVersionThatDoesNotExistIsNotFound() {
        StatusRuntimeException refused = Errors.of(() -> node.inference()
                .rank(rankRequest()
                        .setScope(RequestScope.newBuilder()
                                .setAdapter("tenant-a/secret")
                                .setTenant("tenant-a")
                                .setVersionNumber(77))
                        .build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    }

    private static Case scope(String field, Consumer<RequestScope.Builder> change) {
        RequestScope.Builder scope = RequestScope.newBuilder();
        change.accept(scope);
        return rank(field, r -> r.setScope(scope));
    }

    private static Case rank(String field, Consumer<RankRequest.Builder> change) {
        RankRequest.Builder request = rankRequest();
        change.accept(request);
        return new Case(field, () -> node.inference().rank(request.build()));
    }

    private static RankRequest.Builder rankRequest() {
        return RankRequest.newBuilder()
                .setContext("c")
                .addCandidates(Candidate.newBuilder().setId("only").setText("text"));
    }

    private static Case generate(String field, Consumer<GenerateRequest.Builder> change) {
        GenerateRequest.Builder request = GenerateRequest.newBuilder().setPrompt("p");
        change.accept(request);
        return new Case(field,
                () -> node.inference().generate(request.build()).forEachRemaining(reply -> {}));
    }

    private static Case sampling(String field, Consumer<SamplingParams.Builder> change) {
        SamplingParams.Builder sampling = SamplingParams.newBuilder();
        change.accept(sampling);
        return generate(field, r -> r.setSampling(sampling));
    }

    private static Case score(String field, Consumer<ScoreRequest.Builder> change) {
        ScoreRequest.Builder request =
                ScoreRequest.newBuilder().setPrompt("p").addContinuations("c");
        change.accept(request);
        return new Case(field, () -> node.inference().score(request.build()));
    }
}
