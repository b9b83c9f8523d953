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
    void impressionsAreNotAcceptedAndNothingBlocksOrThrows() throws Exception {
        try (ImpressionPublisher publisher =
                new ImpressionPublisher(settings(), InstantSource.system())) {
            assertThat(publisher.awaitReady(Duration.ofMillis(100))).isFalse();
            for (int i = 0; i < 1_000; i++) {
                assertThat(
                        publisher.publish(Impression.newBuilder().setImpressionId("i" + i).build()))
                        .isFalse();
            }
            assertThat(publisher.refused()).isEqualTo(1_000);
            assertThat(publisher.lost()).isZero();
            assertThat(publisher.acknowledged()).isZero();
        }
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
        ImpressionPublisher publisher = new ImpressionPublisher(settings(), InstantSource.system());
        publisher.close();
        assertThat(publisher.publish(Impression.getDefaultInstance())).isFalse();
        assertThat(publisher.lost()).isZero();
    }
}
