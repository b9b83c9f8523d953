package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.JudgedImpression;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is known of one adapter. Bounded by whoever keeps it: the oldest goes first. */
public interface Memory {
    @Nullable
    EvaluationCell cell(CellKey key) throws Exception;

    /** Whether there may have been a cell of that key that had to go; half its figures would look like all. */
    boolean forgot(CellKey key) throws Exception;

    @Nullable
    JudgedImpression impression(String impressionId) throws Exception;

    /** Whether an answer served then may have been known and had to go. */
    boolean forgotServedAt(long millis) throws Exception;

    /** Keeps what is known of an answer and the cells that have changed with it. */
    void keep(String impressionId, JudgedImpression impression, Map<CellKey, EvaluationCell> cells)
            throws Exception;
}
