package dev.flywheel.trainer.round;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.OptimizerState;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The version that a round starts from, known by its digests; its content is fetched only if the
 * device does not hold it already.
 *
 * @param optimizerDigest empty: nothing has been trained yet
 */
public record Parent(String weightsDigest, String optimizerDigest, Supplier<Content> content) {
    /** What the digests stand for. */
    public record Content(LoraWeights weights, @Nullable OptimizerState optimizer) {}
}
