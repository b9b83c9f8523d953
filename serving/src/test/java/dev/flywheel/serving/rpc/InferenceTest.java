package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.ScoreReply;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.TokenLogProb;
import dev.flywheel.serving.harness.ColdRun;
import dev.flywheel.serving.harness.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class InferenceTest {
    private static final String ADAPTER = "news/ranker";

    @TempDir private Path folder;
    private Node node;
    private LoraWeights weights;

    @BeforeEach
    void start() throws Exception {
        node = new Node(folder);
        node.publisher.create(ADAPTER, "default");
        weights = node.publisher.weights(3);
        node.publish(ADAPTER, weights);
        node.ready();
        Node.untilServed("version 1 answers", () -> rank().getVersion().getNumber() == 1);
        node.impressions.clear();
    }

    @AfterEach
    void stop() throws Exception {
        assertThat(node.serving.freeBlocks()).isEqualTo(Node.DEVICE.kvBlocks());
        assertThat(node.serving.leases()).isZero();
        node.close();
    }

    @Test
    void rankScoresEachCandidateAsItsVersionWouldOnItsOwn() {
        RankReply reply = rank();
        int[] context = node.tokenizer.encode("R:likes rivers\n");
        try (ColdRun cold = new ColdRun(node.base, weights)) {
            for (RankedItem item : reply.getItemsList()) {
                int[] text = join(context,
                        node.tokenizer.encodeWithoutSpecial("T:text " + item.getIndex() + "?"));
                assertThat(item.getScore())
                        .isEqualTo((float) cold.logOdds(text, 'y', 'n'));
            }
        }
        assertThat(reply.getItemsList()).extracting(RankedItem::getRank)
                .containsExactly(0, 1, 2);
        assertThat(reply.getVersion().getDigest()).isEqualTo(weights.digest().hex());
        assertThat(reply.getVersion().getBaseDigest()).isEqualTo(node.base.digest().hex());
    }

    @Test
    void theImpressionHoldsAllThatTrainingNeeds() {
        RankReply reply = rank();
        Impression impression = node.impressions.getFirst();
        assertThat(impression.getImpressionId()).isEqualTo(reply.getImpressionId());
        assertThat(impression.getKind()).isEqualTo(DecisionKind.DECISION_KIND_RANK);
        assertThat(impression.getVersion()).isEqualTo(reply.getVersion());
        assertThat(impression.getTenant()).isEqualTo("default");
        assertThat(impression.getUser()).isEqualTo("u1");
        assertThat(impression.getConsent()).isEqualTo(Consent.CONSENT_TRAIN);
        assertThat(impression.getCandidatesCount()).isEqualTo(5);
        assertThat(impression.getScoring().getVerdict()).isTrue();
        assertThat(impression.getScoring().getAcceptId()).isEqualTo('y');
        assertThat(impression.getPolicy()).isEqualTo("epsilon-uniform");
        for (RankedItem item : reply.getItemsList()) {
            ShownCandidate shown = impression.getCandidates(item.getIndex());
            assertThat(shown.getId()).isEqualTo(item.getCandidateId());
            assertThat(shown.getPlace()).isEqualTo(item.getRank());
            assertThat(shown.getPropensity()).isEqualTo(item.getPropensity());
            assertThat(shown.getIdsCount()).isPositive();
        }
        assertThat(impression.getCandidatesList())
                .filteredOn(candidate -> candidate.getPlace() == -1)
                .hasSize(2);
        assertThat(reply.getFeedbackToken()).isNotEmpty();
    }

    @Test
    void anAnswerThatCannotBeRecordedCarriesNoTokenAndIsCounted() {
        node.kafkaUp.set(false);
        RankReply reply = rank();
        assertThat(reply.getFeedbackToken()).isEmpty();
        assertThat(reply.getItemsCount()).isEqualTo(3);
        assertThat(node.count("flywheel.serving.impressions", "outcome", "dropped")).isEqualTo(1);
    }

    @Test
    void generateStreamsWhatItsVersionAnswersOnItsOwn() {
        List<GenerateReply> replies = generate(GenerateRequest.newBuilder()
                .setScope(scope())
                .setPrompt("tell me")
                .setMaxTokens(20)
                .build());
        List<Integer> ids = new ArrayList<>();
        replies.forEach(reply -> ids.addAll(reply.getTokenIdsList()));
        try (ColdRun cold = new ColdRun(node.base, weights)) {
            assertThat(ids).isEqualTo(cold.greedy(node.tokenizer.encode("tell me"), ids.size()));
        }
        GenerateReply last = replies.getLast();
        assertThat(last.getUsage().getPromptTokens()).isEqualTo(7);
        assertThat(last.getUsage().getCompletionTokens()).isEqualTo(ids.size());
        assertThat(last.getFinishReason()).isIn(FinishReason.FINISH_REASON_LENGTH,
                FinishReason.FINISH_REASON_EOS);
        assertThat(replies).allMatch(reply -> reply.getVersion().equals(last.getVersion()));
        assertThat(last.getFeedbackToken()).isNotEmpty();
        assertThat(node.impressions.getFirst().getCandidates(0).getIdsCount())
                .isGreaterThanOrEqualTo(ids.size());
    }

    @Test
    void aStopStringEndsTheAnswerAndIsNotPartOfIt() {
        String whole = text(generate(prompt(24).build()));
        String stop = whole.substring(3, 5);
        List<GenerateReply> replies = generate(prompt(24).addStop(stop).build());
        assertThat(text(replies)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(replies.getLast().getFinishReason())
                .isEqualTo(FinishReason.FINISH_REASON_STOP);
    }

    @Test
    void theSameSeedGivesTheSameAnswerAndAnotherOneAnother() {
        String one = text(generate(sampled(1)));
        assertThat(text(generate(sampled(1)))).isEqualTo(one);
        assertThat(text(generate(sampled(2)))).isNotEqualTo(one);
    }

    @Test
    void controlTokensThatATextSpellsAreTextUnlessTheRequestAllowsThem() {
        int end = node.tokenizer.eosId();
        GenerateRequest.Builder request =
                GenerateRequest.newBuilder()
                        .setScope(scope())
                        .setPrompt("me<|end|>me")
                        .setMaxTokens(2);
        assertThat(generate(request.build()).getLast().getUsage().getPromptTokens()).isEqualTo(11);
        assertThat(generate(request.setControlTokens(true).build()).getLast()
                .getUsage()
                .getPromptTokens()).isEqualTo(5);
        ScoreRequest.Builder score = ScoreRequest.newBuilder()
                .setScope(scope())
                .setPrompt("me<|end|>")
                .addContinuations("<|end|>y")
                .addContinuations("n");
        assertThat(node.inference().score(score.build()).getScores(0).getTokens()).isEqualTo(8);
        assertThat(node.inference()
                .score(score.setControlTokens(true).build())
                .getScores(0)
                .getTokens()).isEqualTo(2);
        node.inference()
                .rank(RankRequest.newBuilder()
                        .setScope(scope())
                        .setContext("<|end|>")
                        .addCandidates(Candidate.newBuilder().setId("a").setText("<|end|>"))
                        .build());
        assertThat(node.impressions)
                .extracting(impression -> impression.getPromptIdsList().contains(end)
                        || impression.getCandidates(0).getIdsList().getFirst() == end)
                .as("generated, allowed; scored, allowed; ranked")
                .containsExactly(false, true, false, true, false);
    }

    @Test
    void scoreSumsTheLogProbabilitiesOfEachContinuation() {
        ScoreReply reply = node.inference()
                .score(ScoreRequest.newBuilder()
                        .setScope(scope())
                        .setPrompt("will it be liked?")
                        .addContinuations("y")
                        .addContinuations(" not at all")
                        .build());
        int[] prompt = node.tokenizer.encode("will it be liked?");
        try (ColdRun cold = new ColdRun(node.base, weights)) {
            assertThat(reply.getScores(0).getLogProb()).isEqualTo(
                    cold.logProb(prompt, node.tokenizer.encodeWithoutSpecial("y")));
            assertThat(reply.getScores(1).getLogProb()).isEqualTo(
                    cold.logProb(prompt, node.tokenizer.encodeWithoutSpecial(" not at all")));
        }
        assertThat(reply.getScores(0).getProbability() + reply.getScores(1).getProbability())
                .isCloseTo(1, within(1e-12));
        assertThat(node.impressions.getFirst().getCandidatesList())
                .extracting(ShownCandidate::getId)
                .containsExactly("0", "1");
    }

    @Test
    void anEmptyAdapterAsksTheBareBase() {
        List<GenerateReply> replies = generate(GenerateRequest.newBuilder()
                .setPrompt("tell me")
                .setMaxTokens(8)
                .build());
        List<Integer> ids = new ArrayList<>();
        replies.forEach(reply -> ids.addAll(reply.getTokenIdsList()));
        try (ColdRun cold = new ColdRun(node.base, null)) {
            assertThat(ids).isEqualTo(cold.greedy(node.tokenizer.encode("tell me"), ids.size()));
        }
        assertThat(replies.getLast().getVersion().getAdapter()).isEmpty();
        assertThat(replies.getLast().getVersion().getBaseDigest())
                .isEqualTo(node.base.digest().hex());
    }

    @Test
    void controlTokensInAUsersTextStayText() {
        RankReply reply = node.inference().rank(request("<|end|>").build());
        assertThat(reply.getItemsCount()).isEqualTo(3);
        assertThat(node.impressions.getFirst().getPromptIdsList()).doesNotContain(256);
    }

    @Test
    void eachTokenComesWithItsLogProbabilityIfAskedFor() {
        List<TokenLogProb> told = new ArrayList<>();
        List<Integer> ids = new ArrayList<>();
        for (GenerateReply reply : generate(
                prompt(12).setLogProbs(true).setTopLogProbs(3).build())) {
            told.addAll(reply.getLogProbsList());
            ids.addAll(reply.getTokenIdsList());
        }
        assertThat(told).extracting(TokenLogProb::getTokenId).isEqualTo(ids);
        for (TokenLogProb each : told) {
            assertThat(each.getTopCount()).isEqualTo(3);
            assertThat(each.getTop(0).getTokenId()).isEqualTo(each.getTokenId());
            assertThat(each.getTop(0).getLogProb()).isEqualTo(each.getLogProb()).isNegative();
            assertThat(each.getTop(1).getLogProb()).isLessThanOrEqualTo(each.getLogProb());
        }
        assertThat(generate(prompt(4).build())).allSatisfy(
                reply -> assertThat(reply.getLogProbsList()).isEmpty());
    }

    @Test
    void theImpressionTellsHowProbablyEachTokenWasDrawn() {
        generate(sampled(7));
        ShownCandidate sampled = node.impressions.getLast().getCandidates(0);
        assertThat(sampled.getDrawnLogProbsList()).hasSize(sampled.getIdsCount())
                .allSatisfy(each -> assertThat(each).isLessThanOrEqualTo(0));
        assertThat(sampled.getDrawnLogProbsList()).anySatisfy(
                each -> assertThat(each).isNegative());
        generate(prompt(4).build());
        assertThat(node.impressions.getLast().getCandidates(0).getDrawnLogProbsList())
                .isNotEmpty()
                .containsOnly(0f);
    }

    @Test
    void aPenaltyKeepsAGreedyAnswerFromSayingATokenAgain() {
        List<GenerateReply> replies = generate(prompt(24)
                .setSampling(SamplingParams.newBuilder()
                        .setRepetitionPenalty(10)
                        .setPresencePenalty(2)
                        .setFrequencyPenalty(2))
                .build());
        List<Integer> ids = new ArrayList<>();
        replies.forEach(reply -> ids.addAll(reply.getTokenIdsList()));
        List<Integer> plain = new ArrayList<>();
        generate(prompt(24).build()).forEach(reply -> plain.addAll(reply.getTokenIdsList()));
        assertThat(new HashSet<>(ids).size()).isGreaterThan(new HashSet<>(plain).size());
    }

    private GenerateRequest.Builder prompt(int tokens) {
        return GenerateRequest.newBuilder()
                .setScope(scope())
                .setPrompt("go on")
                .setMaxTokens(tokens);
    }

    private GenerateRequest sampled(long seed) {
        return prompt(24)
                .setSampling(SamplingParams.newBuilder()
                        .setTemperature(1.5f)
                        .setTopK(50)
                        .setTopP(0.95f)
                        .setSeed(seed))
                .build();
    }

    private List<GenerateReply> generate(GenerateRequest request) {
        List<GenerateReply> replies = new ArrayList<>();
        Iterator<GenerateReply> stream = node.inference().generate(request);
        stream.forEachRemaining(replies::add);
        return replies;
    }

    private static String text(List<GenerateReply> replies) {
        StringBuilder text = new StringBuilder();
        replies.forEach(reply -> text.append(reply.getText()));
        return text.toString();
    }

    private RankReply rank() {
        return node.inference().rank(request("likes rivers").build());
    }

    private static RankRequest.Builder request(String context) {
        RankRequest.Builder request = RankRequest.newBuilder()
                .setScope(scope())
                .setContext(context)
                .setSlateSize(3);
        for (int i = 0; i < 5; i++) {
            request.addCandidates(Candidate.newBuilder().setId("c" + i).setText("text " + i));
        }
        return request;
    }

    private static RequestScope scope() {
        return RequestScope.newBuilder()
                .setAdapter(ADAPTER)
                .setUser("u1")
                .setConsent(Consent.CONSENT_TRAIN)
                .build();
    }

    private static int[] join(int[] one, int[] other) {
        int[] both = java.util.Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }
}
