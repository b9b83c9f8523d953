package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.evaluation.EvaluationTopic;
import dev.flywheel.app.local.EvaluationReport;
import dev.flywheel.app.local.LoopProgress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the job tells of how well versions foresaw clicks, against the same figures by hand; broker, job and store are real. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EvaluationTest {
    private static final String ADAPTER = "news/judged";
    private static final double[] SCORES = {1.5, 0.25, -2};
    private static final double NANO = 1e-8;

    @TempDir static Path folder;
    private static LoopRig rig;

    /** An item that was shown, and whether its label in the end is that it was taken. */
    private record Item(double score, boolean taken) {
        double loss() {
            return Math.log1p(Math.exp(taken ? -score : score));
        }

        double probability() {
            return 1 / (1 + Math.exp(-score));
        }
    }

    @BeforeAll
    static void start() throws Exception {
        rig = new LoopRig(folder);
        rig.createAdapter(ADAPTER, 32);
    }

    @AfterAll
    static void stop() {
        rig.close();
    }

    @Test
    @Order(1)
    void theFiguresOfAllWindowsAddUpToThoseByHand() throws Exception {
        List<Item> expected = new ArrayList<>();
        List<Impression> late = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            Impression slate = slate(i);
            int taken = i % 3 == 2 ? -1 : i % 3;
            if (taken >= 0) {
                rig.send(rig.click(slate, "judged-" + i, "c" + taken));
            } else if (i % 2 == 0) {
                late.add(slate); // i is 2 or 8
            }
            for (int item = 0; item < SCORES.length; item++) {
                boolean clickedLate = taken < 0 && i % 2 == 0 && item == 2;
                expected.add(new Item(SCORES[item], item == taken || clickedLate));
            }
        }
        awaitItems("the silence of all", expected.size());
        for (Impression slate : late) {
            FeedbackEvent click = rig.click(slate, "late-" + slate.getImpressionId(), "c2");
            rig.send(click);
        }

        Map<List<Long>, Evaluation> told = awaitThat("late clicks count", () -> {
            Map<List<Long>, Evaluation> newest = newest();
            return taken(newest.values()) == expected.stream().filter(Item::taken).count() ? newest
                    : null;
        });

        assertThat(items(told.values())).as("a late click takes the place of its silence")
                .isEqualTo(expected.size());
        assertThat(sum(told.values(), Evaluation::getLogLoss))
                .isCloseTo(expected.stream().mapToDouble(Item::loss).sum(),
                        within(NANO * expected.size()));
        assertThat(sum(told.values(), Evaluation::getPredicted))
                .isCloseTo(expected.stream().mapToDouble(Item::probability).sum(),
                        within(NANO * expected.size()));
        assertThat(signals(told.values())).isEqualTo(Map.of("click", 8L + 2, "silence", 4L));
        assertThat(told.values()
                .stream()
                .mapToDouble(each -> each.getReward() * each.getExamples())
                .sum())
                .isCloseTo(10, within(NANO));
    }

    @Test
    @Order(2)
    void theNewestClosedWindowIsAMetricOfTheJob() throws Exception {
        try (LoopProgress progress = rig.progress()) {
            List<EvaluationReport.Row> rows = awaitThat("a closed window is reported", () -> {
                List<EvaluationReport.Row> found = progress.evaluations().rows();
                return found.size() == 3 ? found : null;
            });
            assertThat(rows).extracting(EvaluationReport.Row::adapter).containsOnly(ADAPTER);
            assertThat(rows).extracting(EvaluationReport.Row::versions)
                    .containsExactlyInAnyOrder("all", "newest", "most_judged");
            Map<String, Double> figures = rows.get(0).figures();
            assertThat(figures).containsKeys("version", "examples", "items", "logLoss", "predicted",
                    "observed", "calibrationError", "auc", "reward", "beginsAtMillis");
            assertThat(figures.get("examples")).isPositive();
        }
    }

    @Test
    @Order(3)
    void theCommandPrintsTheNewestFiguresOfEachVersionAndWindow() throws Exception {
        Path settings = Files.writeString(folder.resolve("flywheel.yaml"), "loop: {env: itest}\n");
        StringWriter out = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        int code = line.execute("evaluation", "--brokers", rig.broker.bootstrapServers(),
                "--config", settings.toString(), "--adapter", ADAPTER, "-o", "json");

        assertThat(code).isZero();
        JsonNode lines = new ObjectMapper().readTree(out.toString());
        assertThat(lines).hasSameSizeAs(newest().values());
        long items = 0;
        for (JsonNode each : lines) {
            assertThat(each.path("adapter").asText()).isEqualTo(ADAPTER);
            items += each.path("items").asLong();
        }
        assertThat(items).isEqualTo(items(newest().values()));
    }

    @Test
    @Order(4)
    void whatNothingIsLearnedFromCountsHereAndEndsRefusedOnce() throws Exception {
        long items = items(newest().values());
        long clicks = signals(newest().values()).getOrDefault("click", 0L);
        Impression slate = rig.unpublished(ADAPTER, "unlearned", "u")
                .toBuilder()
                .setLearning(LearningSettings.newBuilder()
                        .setClick(SignalSettings.newBuilder().setLoss(Loss.LOSS_NONE)))
                .build();
        assertThat(rig.impressions.offer(slate)).isTrue();
        rig.send(rig.click(slate, "unlearned-click", "c1"));

        awaitItems("the click's slate", Math.toIntExact(items + SCORES.length));
        assertThat(signals(newest().values())).containsEntry("click", clicks + 1);
        assertThat(rig.drain().total()).isZero();
        RefusedFeedback refused = rig.refused().get("unlearned-click");
        assertThat(refused.getReason()).isEqualTo(RefusalReason.REFUSAL_REASON_EVALUATION_ONLY);
        assertThat(refused.getOriginal()).isNotEmpty();
        assertThat(rig.trained(ADAPTER)).extracting(FeedbackKey::getFeedbackId)
                .doesNotContain("unlearned-click");
    }

    private static Impression slate(int number) {
        Impression.Builder slate = rig.unpublished(ADAPTER, "judged-" + number, "u" + number)
                .toBuilder();
        for (int item = 0; item < SCORES.length; item++) {
            slate.getCandidatesBuilder(item).setScore(SCORES[item]);
        }
        Impression shown = slate.build();
        assertThat(rig.impressions.offer(shown)).isTrue();
        return shown;
    }

    /** Returns the newest record of each version and window. */
    private static Map<List<Long>, Evaluation> newest() {
        Map<List<Long>, Evaluation> newest = new HashMap<>();
        try (EvaluationTopic topic =
                new EvaluationTopic(rig.broker.bootstrapServers(), LoopRig.TOPICS)) {
            topic.since(Instant.EPOCH, told -> {
                assertThat(told.getAdapter()).isEqualTo(ADAPTER);
                assertThat(told.getLengthMillis()).isEqualTo(1_000);
                newest.merge(List.of(told.getVersion(), told.getBeginsAtMillis()), told,
                        (one, other) -> other.getRevision() >= one.getRevision() ? other : one);
            });
        }
        return newest;
    }

    private static void awaitItems(String what, int count) throws Exception {
        awaitThat(what, () -> items(newest().values()) == count ? true : null);
    }

    private static <T> T awaitThat(String what, Callable<T> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() - deadline < 0) {
            T found = condition.call();
            if (found != null) {
                return found;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("not within a minute: " + what + "; told " + newest());
    }

    private static long items(Collection<Evaluation> told) {
        return told.stream().mapToLong(Evaluation::getItems).sum();
    }

    private static long taken(Collection<Evaluation> told) {
        return Math.round(sum(told, Evaluation::getObserved));
    }

    private static double sum(Collection<Evaluation> told,
            java.util.function.ToDoubleFunction<Evaluation> mean) {
        return told.stream().mapToDouble(each -> each.getItems() * mean.applyAsDouble(each)).sum();
    }

    private static Map<String, Long> signals(Collection<Evaluation> told) {
        Map<String, Long> signals = new HashMap<>();
        told.forEach(each -> each.getSignalsMap()
                .forEach((signal, count) -> signals.merge(signal, count, Long::sum)));
        return signals;
    }
}
