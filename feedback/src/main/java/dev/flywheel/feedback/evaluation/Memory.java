package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.JudgedImpression;
import org.jspecify.annotations.Nullable;

/** What is known of one adapter. Bounded by whoever keeps it: the oldest goes first. */
public interface Memory {
    @Nullable
    EvaluationCell cell(CellKey key) throws Exception;

    /** Keeps it; does nothing if there was one of that key that had to go: half its figures would look like all. */
    void put(CellKey key, EvaluationCell cell) throws Exception;

    @Nullable
    JudgedImpression impression(String impressionId) throws Exception;

    void put(String impressionId, JudgedImpression impression) throws Exception;
}
