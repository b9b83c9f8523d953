package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.trainer.gate.Evidence;
import java.util.List;

/**
 * What a round made: the candidate's bytes, and what was measured on the way.
 *
 * @param weightsBytes canonical safetensors; their SHA-256 is the candidate's digest
 * @param optimizerBytes canonical safetensors of what AdamW remembers
 * @param probeFingerprint SHA-256 of the candidate's probe logits (P11)
 * @param untrainable examples that were left out
 */
public record RoundResult(
        byte[] weightsBytes,
        byte[] optimizerBytes,
        String probeFingerprint,
        Evidence evidence,
        RoundFigures figures,
        List<Untrainable> untrainable) {}
