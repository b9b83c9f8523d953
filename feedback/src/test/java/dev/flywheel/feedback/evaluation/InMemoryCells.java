package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.JudgedImpression;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Forgets nothing. */
final class InMemoryCells implements Memory {
    final Map<CellKey, EvaluationCell> cells = new HashMap<>();
    private final Map<String, JudgedImpression> impressions = new HashMap<>();

    @Override
    public @Nullable EvaluationCell cell(CellKey key) {
        return cells.get(key);
    }

    @Override
    public void put(CellKey key, EvaluationCell cell) {
        cells.put(key, cell);
    }

    @Override
    public @Nullable JudgedImpression impression(String impressionId) {
        return impressions.get(impressionId);
    }

    @Override
    public void put(String impressionId, JudgedImpression impression) {
        impressions.put(impressionId, impression);
    }

    /** Returns all figures, without how often they have changed, which depends on the order. */
    Map<CellKey, Evaluation> evaluations(Prequential prequential) {
        Map<CellKey, Evaluation> all = new HashMap<>();
        cells.forEach((key, cell) -> all.put(key,
                prequential.evaluation("a", key, cell).toBuilder().clearRevision().build()));
        return all;
    }
}
