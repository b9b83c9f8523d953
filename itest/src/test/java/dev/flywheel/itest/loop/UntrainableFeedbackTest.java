package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Feedback that is in order in itself, but of which no trainer here can make anything. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class UntrainableFeedbackTest {
    private static final String ADAPTER = "default/desk";

    @TempDir Path folder;

    /** P3: {@code acknowledged = trained + quarantined + refused + pending} where one round holds both. */
    @Test
    void aCorrectionTooLongForTheTrainerEndsQuarantinedBesideAClickThatIsTrained() {
        FlywheelConfig config = new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "metrics.port", 0,
                "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                "data.free_mib_min", 16,
                // Both are there before the round is claimed.
                "loop.round_linger", "2s"));
        try (LocalLoop node = LocalLoop.start(config, folder, BuiltInBase.folder())) {
            node.createAdapter(ADAPTER, AdapterSettings.teacher());
            correct(node, "word ".repeat(3_000));
            LoopClient client = new LoopClient(node.channel(), ADAPTER);
            client.click(client.rank("u"), "u", "click");

            FeedbackFates fates = node.drain(Duration.ofSeconds(60));

            assertThat(fates.balanced()).as("%s", fates).isTrue();
            assertThat(fates.acknowledged()).isEqualTo(2);
            assertThat(fates.trained()).isEqualTo(1);
            assertThat(fates.quarantined()).isEqualTo(1);
            assertThat(fates.pending()).isZero();
            ManifestSummary round = manifests(node).getFirst();
            assertThat(round.getState()).isEqualTo(ManifestState.MANIFEST_STATE_COMMITTED);
            assertThat(round.getFeedbackCount()).isEqualTo(2);
            assertThat(round.getQuarantinedList()).extracting(FeedbackKey::getFeedbackId)
                    .containsExactly("correction");
        }
    }

    private static void correct(LocalLoop node, String text) {
        Iterator<GenerateReply> answer = InferenceGrpc.newBlockingStub(node.channel())
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .generate(GenerateRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setAdapter(ADAPTER).setUser("teacher"))
                        .setPrompt("Where does the boat lie?")
                        .setMaxTokens(4)
                        .build());
        String token = "";
        while (answer.hasNext()) {
            token = answer.next().getFeedbackToken();
        }
        var unused = FeedbackGrpc.newBlockingStub(node.channel())
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .send(SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(token)
                        .setFeedbackId("correction")
                        .setUser("teacher")
                        .setSignal(Signal.newBuilder()
                                .setCorrection(Correction.newBuilder().setText(text)))
                        .build());
    }

    private static List<ManifestSummary> manifests(LocalLoop node) {
        List<ManifestSummary> manifests = new ArrayList<>();
        StoreClient.over(node.channel()).listManifests(ADAPTER, 0, manifests::add);
        return manifests;
    }
}
