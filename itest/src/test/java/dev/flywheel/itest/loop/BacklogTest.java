package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Signal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real broker and job, and a node whose impressions get into Kafka minutes after what users say of them. */
@Timeout(300)
class BacklogTest {
    private static final Duration STEP = Duration.ofSeconds(5);
    private static final int ANSWERS = 50;
    private static final int CORRECTION_CHARS = 4_000;

    /** More than what users say within the 30 s, and some, that one topic may be ahead; less than all they say. */
    private static final long HELD_BYTES_MAX = 256 << 10;

    @TempDir static Path folder;

    private final AtomicLong now =
            new AtomicLong(Instant.now().minus(Duration.ofDays(1)).toEpochMilli());
    private final AtomicLong written = new AtomicLong(now.get());

    private static InstantSource clock(AtomicLong millis) {
        return () -> Instant.ofEpochMilli(millis.get());
    }

    @Test
    void feedbackThatIsFarAheadOfItsAnswersIsReadLaterAndNotRefused() throws Exception {
        try (LoopRig rig = new LoopRig(folder, clock(now), clock(written),
                LoopRig.ATTRIBUTION.withHeldBytes(HELD_BYTES_MAX, HELD_BYTES_MAX))) {
            rig.createAdapter("news/backlog", 32);
            List<Impression> answers = new ArrayList<>();
            for (int i = 0; i < ANSWERS; i++) {
                answers.add(answerAndCorrect(rig, i));
            }
            answers.forEach(answer -> assertThat(rig.impressions.offer(answer)).isTrue());
            await("the answers are written", () -> rig.impressions.unwrittenSince() == 0);
            written.set(now.get());
            await("every correction has an end", () -> ends(rig) == ANSWERS);
            assertThat(rig.refused()).isEmpty();
        }
    }

    private Impression answerAndCorrect(LoopRig rig, int i) throws Exception {
        Impression answer = rig.unwrittenAnswer("news/backlog", "backlog-" + i, "u" + i, 2);
        now.addAndGet(STEP.toMillis());
        rig.send(rig.signal(answer, "backlog-f" + i, Signal.newBuilder()
                .setCorrection(Correction.newBuilder().setText("x".repeat(CORRECTION_CHARS)))));
        await("time has passed it", () -> rig.hasBeaten("node-1", now.get()));
        return answer;
    }

    private static int ends(LoopRig rig) {
        try {
            return rig.trained("news/backlog").size() + rig.refused().size();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
