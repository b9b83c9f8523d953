package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.app.local.EmbeddedFlink;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A round that hangs, and a second job beside the first. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class JobTroubleTest {
    private static final String ADAPTER = "news/trouble";

    @TempDir Path folder;

    private final Set<String> sent = new HashSet<>();
    private LoopRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new LoopRig(folder);
        rig.createAdapter(ADAPTER, 4);
    }

    @AfterEach
    void stop() {
        rig.trainer.held.countDown();
        rig.close();
    }

    private void click(int number) throws Exception {
        rig.send(rig.click(rig.slate(ADAPTER, "answer-" + number, "user-" + number),
                "f" + number, "c0"));
        sent.add("f" + number);
    }

    private List<String> trained() {
        return rig.trained(ADAPTER).stream().map(FeedbackKey::getFeedbackId).toList();
    }

    @Test
    void checkpointsCompleteWhileARoundHangs() throws Exception {
        rig.trainer.held = new CountDownLatch(1);
        click(0);
        await("the round is claimed", () -> !rig.client.listOpenManifests(ADAPTER).isEmpty());
        click(1);
        long before = rig.newestCheckpoint();
        // The first of them may have begun before the round.
        await("two more checkpoints", () -> rig.newestCheckpoint() >= before + 2);
        assertThat(rig.client.getAdapter(ADAPTER).getHead()).isZero();
        rig.trainer.held.countDown();
        assertThat(rig.drain().total()).isZero();
        assertThat(trained()).containsExactlyInAnyOrderElementsOf(sent);
    }

    @Test
    void ofTwoJobsOneGoesOnAndNothingIsTrainedTwice() throws Exception {
        for (int i = 0; i < 5; i++) {
            click(i);
        }
        await("a round is done", () -> rig.client.getAdapter(ADAPTER).getHead() > 0);
        try (EmbeddedFlink second = rig.startSecondJob()) {
            for (int i = 5; i < 40; i++) {
                click(i);
            }
            await("all is trained", () -> Set.copyOf(trained()).equals(sent)
                    && rig.client.listOpenManifests(ADAPTER).isEmpty());
            assertThat(trained()).doesNotHaveDuplicates();
            await("one of them has given up",
                    () -> failed(rig.flink) ^ failed(second));
        }
    }

    private static boolean failed(EmbeddedFlink job) {
        try {
            return job.failure().isPresent();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
