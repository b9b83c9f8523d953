package dev.flywheel.trainer.server;

import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.trainer.round.Untrainable;
import java.util.List;

/**
 * What became of one round.
 *
 * @param committed whether the gate passed the candidate; {@code figures} say why not
 * @param untrainable examples that were claimed but could not be trained on; they are quarantined
 */
public record RoundReport(
        RoundKey key,
        boolean committed,
        RoundFigures figures,
        List<Untrainable> untrainable) {}
