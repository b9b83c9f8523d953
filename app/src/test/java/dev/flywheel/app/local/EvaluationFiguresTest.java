package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class EvaluationFiguresTest {
    private final EvaluationFigures figures = new EvaluationFigures();

    @Test
    void figuresOfAnAdapterThatIsShownNoMoreAreLeftOut() {
        figures.add("0.evaluation.adapter.news/ranker.versions.all.logLoss", "0.5");
        figures.add("0.evaluation.adapter.news/ranker.versions.all.items", "12.0");
        figures.add("0.evaluation.adapter.news/ranker.versions.newest.items", "7.0");
        figures.add("0.evaluation.adapter.gone.versions.all.logLoss", "0.25");
        figures.add("0.evaluation.shownAdapters", "news/ranker\nother");
        figures.add("0.evaluation.windowsNotShown", "3");
        figures.add("1.evaluation.windowsNotShown", "4");

        assertThat(figures.report().rows()).containsExactlyInAnyOrder(
                new EvaluationReport.Row("news/ranker", "all",
                        Map.of("logLoss", 0.5, "items", 12.0)),
                new EvaluationReport.Row("news/ranker", "newest", Map.of("items", 7.0)));
        assertThat(figures.report().windowsNotShown()).isEqualTo(7);
    }

    @Test
    void metricsOfOtherStagesAreNotAskedFor() {
        assertThat(EvaluationFigures.ours("0.evaluation.adapter.a.versions.all.items")).isTrue();
        assertThat(EvaluationFigures.ours("0.evaluation.shownAdapters")).isTrue();
        assertThat(EvaluationFigures.ours("0.evaluation.receivedFeedback")).isFalse();
        assertThat(EvaluationFigures.ours("0.guard.adapter.a.versions.all.items")).isFalse();
    }
}
