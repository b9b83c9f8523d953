package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.Rating;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.kafka.EventTooLargeException;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.settings.ServingSettings;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class FeedbackTest {
    @TempDir private Path folder;
    private Node node;
    private RankReply answer;

    @BeforeEach
    void start() throws Exception {
        node = new Node(folder).ready();
        answer = rank(node);
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
    }

    @Test
    void feedbackIsAcknowledgedOnceItIsInTheTopic() {
        SendFeedbackReply reply = node.feedbackStub()
                .send(click("c1").setFeedbackId("f1")
                        .build());
        FeedbackEvent event = node.feedback.getFirst();
        assertThat(reply.getFeedbackId()).isEqualTo("f1");
        assertThat(reply.getImpressionId()).isEqualTo(answer.getImpressionId());
        assertThat(reply.getAcknowledgedAtMillis()).isPositive();
        assertThat(event.getImpressionId()).isEqualTo(answer.getImpressionId());
        assertThat(event.getTenant()).isEqualTo("default");
        assertThat(event.getSource()).isEqualTo("client/default");
        assertThat(event.getUser()).isEqualTo("u1");
        assertThat(event.getSignal().getClick().getCandidateId()).isEqualTo("c1");
        assertThat(event.getFeedbackToken()).isEqualTo(answer.getFeedbackToken());
        assertThat(event.getReceivedAtMillis()).isPositive();
    }

    @Test
    void aRetryWithoutAnIdHasTheSameIdAndAnotherSignalAnother() {
        String first = node.feedbackStub().send(click("c1").build()).getFeedbackId();
        assertThat(node.feedbackStub().send(click("c1").build()).getFeedbackId())
                .isEqualTo(first);
        assertThat(node.feedbackStub().send(click("c2").build()).getFeedbackId())
                .isNotEqualTo(first);
    }

    @Test
    void anAlteredTokenIsRefusedAndNothingReachesTheTopic() {
        String token = answer.getFeedbackToken();
        char other = token.charAt(40) == 'A' ? 'B' : 'A';
        String altered = token.substring(0, 40) + other + token.substring(41);
        for (String forged : List.of("", "no token", altered, token + "AA", "x".repeat(5000))) {
            assertRefused("feedback_token", click("c1").setFeedbackToken(forged));
        }
        assertThat(node.feedback).isEmpty();
    }

    @Test
    void anotherUsersTokenIsRefused() {
        assertRefused("user", click("c1").setUser("u2"));
        assertRefused("user", click("c1").setUser(""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenSignals")
    void aBrokenSignalIsNamed(String says, Signal signal) {
        assertThat(assertRefused("signal", click("c1").setSignal(signal))).contains(says);
    }

    static Stream<Arguments> brokenSignals() {
        return Stream.of(
                Arguments.of("signal is not set", Signal.getDefaultInstance()),
                Arguments.of("signal.click.candidate_id",
                        Signal.newBuilder().setClick(Click.getDefaultInstance()).build()),
                Arguments.of("signal.rating.value is NaN", Signal.newBuilder()
                        .setRating(Rating.newBuilder().setValue(Double.NaN))
                        .build()),
                Arguments.of("signal.rating.value is 1.5", Signal.newBuilder()
                        .setRating(Rating.newBuilder().setValue(1.5))
                        .build()),
                Arguments.of("signal.reward.value is Infinity", Signal.newBuilder()
                        .setReward(Reward.newBuilder().setValue(Double.POSITIVE_INFINITY))
                        .build()),
                Arguments.of("signal.correction.text", Signal.newBuilder()
                        .setCorrection(Correction.newBuilder().setText(" "))
                        .build()));
    }

    @Test
    void otherFieldsOutOfRangeAreNamed() {
        assertRefused("feedback_id", click("c1").setFeedbackId("x".repeat(129)));
        assertRefused("client_time_millis", click("c1").setClientTimeMillis(-1));
    }

    @Test
    void aBlankIdIsRefusedAndNotAcknowledgedToBecomeADeadLetter() {
        assertThat(assertRefused("feedback_id", click("c1").setFeedbackId("  ")))
                .contains("feedback_id is blank");
        assertThat(node.feedback).isEmpty();
    }

    @Test
    void fieldsThatNobodyKnowsDoNotReachTheTopic() {
        UnknownFieldSet unknown = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFromUtf8("x".repeat(900_000)))
                        .build())
                .build();
        SendFeedbackRequest.Builder padded = click("c1");
        padded.getSignalBuilder().setUnknownFields(unknown);
        node.feedbackStub().send(padded.build());
        padded = click("c1");
        padded.getSignalBuilder().getClickBuilder().setUnknownFields(unknown);
        node.feedbackStub().send(padded.build());
        Signal plain = click("c1").getSignal();
        assertThat(node.feedback).extracting(FeedbackEvent::getSignal)
                .containsExactly(plain, plain);
    }

    @Test
    void anEventLongerThanTheSettingIsRefused(@TempDir Path other) throws Exception {
        try (Node narrow = new Node(other, settings -> new ServingSettings(settings.nodeId(),
                settings.device(), settings.swaps(), settings.requests(), settings.rank(),
                settings.transport(),
                settings.access(), settings.tokenLifetime(), 2_000)).ready()) {
            String token = rank(narrow).getFeedbackToken();
            StatusRuntimeException refused = Errors.of(() -> narrow.feedbackStub()
                    .send(click("c1").setFeedbackToken(token)
                            .setSignal(Signal.newBuilder()
                                    .setCorrection(Correction.newBuilder()
                                            .setText("word ".repeat(400))))
                            .build()));
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(refused.getStatus().getDescription())
                    .contains("at most 2000 are allowed");
            narrow.feedbackStub().send(click("c1").setFeedbackToken(token).build());
            assertThat(narrow.feedback).hasSize(1);
        }
    }

    @Test
    void whatIsTooLargeForTheTopicIsNotToBeSentAgain() {
        node.kafkaUp.set(false);
        node.kafkaFailure.set(new EventTooLargeException("too large"));
        assertThat(assertRefused("signal", click("c1"))).contains("shorten it");
    }

    @Test
    void anExpiredTokenIsRefused(@TempDir Path other) throws Exception {
        try (Node brief = new Node(other, settings -> new ServingSettings(settings.nodeId(),
                settings.device(), settings.swaps(), settings.requests(), settings.rank(),
                settings.transport(),
                settings.access(), Duration.ofMillis(1), settings.feedbackBytesMax())).ready()) {
            RankReply old = rank(brief);
            Node.until("a millisecond has passed", () -> System.currentTimeMillis()
                    > brief.impressions.getFirst().getServedAtMillis() + 1);
            StatusRuntimeException refused = Errors.of(() -> brief.feedbackStub()
                    .send(click("c1").setFeedbackToken(old.getFeedbackToken()).build()));
            assertThat(refused.getStatus().getDescription())
                    .startsWith("feedback_token expired at");
        }
    }

    @Test
    void whatKafkaDoesNotTakeIsNotAcknowledgedAndMayBeSentAgain() {
        node.kafkaUp.set(false);
        StatusRuntimeException refused =
                Errors.of(() -> node.feedbackStub().send(click("c1").build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(Errors.detail(refused, ErrorInfo.class).getReason())
                .isEqualTo("FEEDBACK_NOT_TAKEN");
        assertThat(Errors.detail(refused, RetryInfo.class).getRetryDelay().getNanos())
                .isPositive();
        node.kafkaUp.set(true);
        assertThat(node.feedbackStub().send(click("c1").build()).getRefused()).isEmpty();
    }

    @Test
    void aStreamAnswersInOrderAndGoesOnAfterARefusal() throws Exception {
        List<SendFeedbackReply> replies = new ArrayList<>();
        CompletableFuture<Status> end = new CompletableFuture<>();
        StreamObserver<SendFeedbackRequest> stream =
                FeedbackGrpc.newStub(node.channel).sendStream(recording(replies, end));
        for (int i = 0; i < 500; i++) {
            SendFeedbackRequest.Builder request = click("c1").setFeedbackId("f" + i);
            stream.onNext(i % 7 == 3 ? request.setUser("u2").build() : request.build());
        }
        stream.onCompleted();
        assertThat(end.get(30, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.OK);
        assertThat(replies).hasSize(500);
        for (int i = 0; i < 500; i++) {
            assertThat(replies.get(i).getFeedbackId()).isEqualTo("f" + i);
            assertThat(replies.get(i).getRefused().isEmpty()).isEqualTo(i % 7 != 3);
        }
        assertThat(node.feedback).hasSize(500 - 71);
    }

    @Test
    void aStreamEndsAtTheFirstEventThatKafkaDidNotTake() throws Exception {
        List<SendFeedbackReply> replies = new ArrayList<>();
        CompletableFuture<Status> end = new CompletableFuture<>();
        StreamObserver<SendFeedbackRequest> stream =
                FeedbackGrpc.newStub(node.channel).sendStream(recording(replies, end));
        stream.onNext(click("c1").setFeedbackId("taken").build());
        Node.until("the first is acknowledged", () -> node.feedback.size() == 1);
        node.kafkaUp.set(false);
        stream.onNext(click("c1").setFeedbackId("lost").build());
        assertThat(end.get(30, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(replies).extracting(SendFeedbackReply::getFeedbackId)
                .containsExactly("taken");
    }

    private static StreamObserver<SendFeedbackReply> recording(List<SendFeedbackReply> replies,
            CompletableFuture<Status> end) {
        return new StreamObserver<>() {
            @Override
            public void onNext(SendFeedbackReply reply) {
                replies.add(reply);
            }

            @Override
            public void onError(Throwable failure) {
                end.complete(Status.fromThrowable(failure));
            }

            @Override
            public void onCompleted() {
                end.complete(Status.OK);
            }
        };
    }

    private String assertRefused(String field, SendFeedbackRequest.Builder request) {
        StatusRuntimeException refused =
                Errors.of(() -> node.feedbackStub().send(request.build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(Errors.detail(refused, BadRequest.class).getFieldViolations(0).getField())
                .isEqualTo(field);
        return String.valueOf(refused.getStatus().getDescription());
    }

    private SendFeedbackRequest.Builder click(String candidate) {
        return SendFeedbackRequest.newBuilder()
                .setFeedbackToken(answer.getFeedbackToken())
                .setUser("u1")
                .setSignal(Signal.newBuilder()
                        .setClick(Click.newBuilder().setCandidateId(candidate)));
    }

    private static RankReply rank(Node node) {
        return node.inference()
                .rank(RankRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setUser("u1"))
                        .setContext("c")
                        .addCandidates(Candidate.newBuilder().setId("c1").setText("one"))
                        .addCandidates(Candidate.newBuilder().setId("c2").setText("two"))
                        .build());
    }
}
