package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.trainer.pretrain.Prompts;
import dev.flywheel.trainer.pretrain.World;
import dev.flywheel.trainer.pretrain.WorldFact;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DemoWorldTest {
    private final DemoWorld world = new DemoWorld(7);
    private Server server;
    private ManagedChannel channel;

    @Test
    void theLessonIsAQuestionThatIsAnsweredWronglyBesideFiftyOthers() throws IOException {
        Teacher.Lesson lesson = world.lesson(node(prompt -> Optional.of("no idea")));

        assertThat(lesson.unrelated()).hasSize(50).doesNotContain(lesson.question());
        assertThat(lesson.paraphrase()).isNotEqualTo(lesson.question());
    }

    @Test
    void aNodeThatFailsIsNotTakenForOneThatKnowsEverything() throws IOException {
        NodeClient node = node(prompt -> Optional.empty());

        assertThatThrownBy(() -> world.lesson(node)).hasMessageContaining("gave no answer");
    }

    @Test
    void aNodeThatAnswersEverythingRightlyCannotBeTaught() throws IOException {
        NodeClient node = node(prompt -> Optional.of(answer(prompt)));

        assertThatThrownBy(() -> world.lesson(node)).hasMessageContaining("nothing to teach");
    }

    @Test
    void aLessonWithFewerThanFiftyUnrelatedQuestionsIsRefused() {
        assertThatThrownBy(
                () -> new Teacher.Lesson("a", "q", "answer", "p", List.of("one", "two")))
                .hasMessageContaining("2 unrelated questions")
                .hasMessageContaining("at least 50");
    }

    private static String answer(String prompt) {
        return World.standard()
                .unknown()
                .stream()
                .filter(fact -> Prompts.question(fact.seenQuestions().getFirst()).equals(prompt))
                .map(WorldFact::answer)
                .findFirst()
                .orElseThrow();
    }

    /** A node that answers by {@code answers}; empty is a failed call. */
    private NodeClient node(Function<String, Optional<String>> answers) throws IOException {
        server =
                NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                        .addService(new Answering(answers))
                        .build()
                        .start();
        channel =
                Grpc.newChannelBuilder(
                        "127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
                        .build();
        return new NodeClient(channel, new Answers());
    }

    @AfterEach
    void stop() {
        if (server != null) {
            channel.shutdownNow();
            server.shutdownNow();
        }
    }

    private static final class Answering extends InferenceGrpc.InferenceImplBase {
        private final Function<String, Optional<String>> answers;

        Answering(Function<String, Optional<String>> answers) {
            this.answers = answers;
        }

        @Override
        public void generate(GenerateRequest request, StreamObserver<GenerateReply> replies) {
            Optional<String> answer = answers.apply(request.getPrompt());
            if (answer.isEmpty()) {
                replies.onError(Status.UNAVAILABLE.asRuntimeException());
                return;
            }
            replies.onNext(
                    GenerateReply.newBuilder()
                            .setText(answer.get())
                            .setFinishReason(FinishReason.FINISH_REASON_STOP)
                            .setFeedbackToken("token")
                            .build());
            replies.onCompleted();
        }
    }
}
