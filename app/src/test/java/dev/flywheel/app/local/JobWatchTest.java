package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JobWatchTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final List<String> said = new ArrayList<>();
    private final ScriptedJob job = new ScriptedJob();
    private final JobWatch watch = new JobWatch(job, meters, Duration.ofSeconds(1), said::add);

    @AfterEach
    void close() {
        watch.close();
    }

    @Test
    void nothingIsMeasuredBeforeTheEndsOfTheTopicAreKnown() {
        assertThat(pending().value()).isEqualTo(-1);

        watch.look();
        assertThat(pending().value()).isEqualTo(-1);

        watch.look();
        assertThat(pending().value()).isEqualTo(7);
    }

    @Test
    void theMeterSaysThatTheLastIntervalIsLeftOut() {
        assertThat(pending().getId().getDescription())
                .isEqualTo(
                        "acknowledged feedback that has no end yet, without what came in the last 1.0 s; -1: not measured");
    }

    @Test
    void theEndOfTheJobIsToldThoughALookBrokeBefore() {
        watch.look();
        watch.look();
        job.broken = true;
        watch.look();
        assertThat(pending().value()).isEqualTo(-1);
        job.over = true;
        watch.look();
        assertThat(said).isEmpty();
        job.broken = false;

        watch.look();

        assertThat(said).containsExactly(
                "the loop's job has ended and nothing is learned any more (worn out); start again");
    }

    @Test
    void figuresThatCannotBeReadAreNotMeasured() {
        watch.look();
        watch.look();
        job.silent = true;

        watch.look();

        assertThat(pending().value()).isEqualTo(-1);
    }

    @Test
    void theNewestFiguresOfEachAdapterAreExported() {
        job.evaluations = new EvaluationReport(List.of(
                row("news/ranker", "all", Map.of("logLoss", 0.25, "version", 7.0)),
                row("news/ranker", "most_judged", Map.of("logLoss", 0.125)),
                row("desk", "all", Map.of("logLoss", 0.5))), 3);

        watch.look();

        assertThat(logLoss("news/ranker", "all")).isEqualTo(0.25);
        assertThat(logLoss("news/ranker", "most_judged")).isEqualTo(0.125);
        assertThat(logLoss("desk", "all")).isEqualTo(0.5);
        assertThat(meters.get("flywheel.loop.evaluation.windows.not.shown").gauge().value())
                .isEqualTo(3);
        job.evaluations = new EvaluationReport(
                List.of(row("desk", "all", Map.of("logLoss", 0.125))), 4);
        watch.look();
        assertThat(logLoss("desk", "all")).isEqualTo(0.125);
        assertThat(meters.find("flywheel.loop.evaluation.log.loss").gauges())
                .as("an adapter that is reported no more")
                .hasSize(1);
    }

    @Test
    void whatTheJobRefusedAndWhereItEndedAreCounted() {
        job.outcomes = new JobOutcomes(Map.of("late", 3L), Map.of("feedback", 5L), 1);

        watch.look();

        assertThat(meters.get("flywheel.feedback.events")
                .tags("at", "job", "result", "late")
                .functionCounter()
                .count()).isEqualTo(3);
        assertThat(meters.get("flywheel.dead.letters")
                .tag("of", "feedback")
                .functionCounter()
                .count()).isEqualTo(5);
    }

    private static EvaluationReport.Row row(String adapter, String versions,
            Map<String, Double> figures) {
        return new EvaluationReport.Row(adapter, versions, figures);
    }

    private double logLoss(String adapter, String versions) {
        return meters.get("flywheel.loop.evaluation.log.loss")
                .tags("adapter", adapter, "versions", versions)
                .gauge()
                .value();
    }

    private Gauge pending() {
        return meters.get("flywheel.loop.pending").gauge();
    }

    /** A job that is as the test says; seven events are on their way whatever the ends. */
    private static final class ScriptedJob implements JobWatch.Job {
        private EvaluationReport evaluations = EvaluationReport.NOTHING;
        private JobOutcomes outcomes = JobOutcomes.NOTHING;
        private boolean over;
        private boolean broken;
        private boolean silent;

        @Override
        public boolean over() {
            return over;
        }

        @Override
        public String reason() {
            requireWhole();
            return "worn out";
        }

        @Override
        public long restarts() throws IOException {
            requireWhole();
            if (silent) {
                throw new IOException("no answer");
            }
            return 0;
        }

        @Override
        public Map<Integer, Long> ends() {
            return Map.of(0, 9L);
        }

        @Override
        public EvaluationReport evaluations() {
            return evaluations;
        }

        @Override
        public JobOutcomes outcomes() {
            return outcomes;
        }

        @Override
        public Optional<Long> pending(Map<Integer, Long> ends) {
            return Optional.of(7L);
        }

        private void requireWhole() {
            if (broken) {
                throw new IllegalStateException("the cluster is shutting down");
            }
        }
    }
}
