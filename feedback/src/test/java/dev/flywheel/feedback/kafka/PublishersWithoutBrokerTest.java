package dev.flywheel.feedback.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The timeout is far above what the calls take and far below what a blocking producer would: 60 s for each. */
@Timeout(30)
class PublishersWithoutBrokerTest {
    /** A port that nothing listens on. */
    private static String nowhere() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return "127.0.0.1:" + socket.getLocalPort();
        }
    }

    private static PublisherSettings settings() throws Exception {
        return PublisherSettings.of(nowhere(), new Topics("test"), "node-1", Duration.ofMillis(20));
    }

    @Test
    void impressionsAreGivenBackAndNothingBlocksOrThrows() throws Exception {
        try (ImpressionPublisher publisher = impressions()) {
            assertThat(publisher.awaitReady(Duration.ofMillis(100))).isFalse();
            for (int i = 0; i < 1_000; i++) {
                Impression impression = Impression.newBuilder().setImpressionId("i" + i).build();
                assertThat(publisher.publish(impression)).isCompletedExceptionally();
            }
        }
    }

    private static ImpressionPublisher impressions() throws Exception {
        return new ImpressionPublisher(settings(), InstantSource.system(), () -> 0);
    }

    @Test
    void feedbackIsNotAcknowledged() throws Exception {
        try (FeedbackPublisher publisher =
                new FeedbackPublisher(settings(), InstantSource.system())) {
            assertThatThrownBy(() -> publisher.publish(FeedbackEvent.getDefaultInstance()).get())
                    .isInstanceOf(ExecutionException.class);
        }
    }

    @Test
    void aClosedPublisherRefusesLikeOneWithoutRoom() throws Exception {
        ImpressionPublisher publisher = impressions();
        publisher.close();
        assertThat(publisher.publish(Impression.getDefaultInstance())).isCompletedExceptionally();
    }
}
