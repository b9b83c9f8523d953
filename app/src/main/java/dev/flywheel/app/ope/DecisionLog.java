package dev.flywheel.app.ope;

import dev.flywheel.feedback.ope.LoggedDecision;
import java.util.List;
import java.util.Map;

/**
 * Decisions that can be weighted, and those that cannot.
 *
 * @param passedOver how many were passed over, by reason
 */
public record DecisionLog(List<LoggedDecision> decisions, Map<String, Long> passedOver) {}
