package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.JudgedImpression;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Forgets only what it is told to. */
final class InMemoryCells implements Memory {
    final Map<CellKey, EvaluationCell> cells = new HashMap<>();
    private final Map<String, JudgedImpression> impressions = new HashMap<>();
    private long forgottenServedAt = Long.MIN_VALUE;
    private long forgottenWindow = Long.MIN_VALUE;

    void forgetImpression(String impressionId) {
        JudgedImpression gone = impressions.remove(impressionId);
        forgottenServedAt = Math.max(forgottenServedAt, gone.getServedAtMillis());
    }

    void forgetWindow(long beginsAtMillis) {
        cells.keySet().removeIf(key -> key.beginsAtMillis() == beginsAtMillis);
        forgottenWindow = Math.max(forgottenWindow, beginsAtMillis);
    }

    @Override
    public @Nullable EvaluationCell cell(CellKey key) {
        return cells.get(key);
    }

    @Override
    public boolean forgot(CellKey key) {
        return !cells.containsKey(key) && key.beginsAtMillis() <= forgottenWindow;
    }

    @Override
    public @Nullable JudgedImpression impression(String impressionId) {
        return impressions.get(impressionId);
    }

    @Override
    public boolean forgotServedAt(long millis) {
        return millis <= forgottenServedAt;
    }

    @Override
    public void keep(String impressionId, JudgedImpression impression,
            Map<CellKey, EvaluationCell> changed) {
        impressions.put(impressionId, impression);
        cells.putAll(changed);
    }

    /** Returns all figures, without how often they have changed, which depends on the order. */
    Map<CellKey, Evaluation> evaluations(Prequential prequential) {
        Map<CellKey, Evaluation> all = new HashMap<>();
        cells.forEach((key, cell) -> all.put(key,
                prequential.evaluation("a", key, cell).toBuilder().clearRevision().build()));
        return all;
    }
}
