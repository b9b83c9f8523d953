package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraPair;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What an adapter adds to a module's weight: {@code scale · B · A}, [out, in], row by row in double. */
final class LoraChange {
    private LoraChange() {}

    /** Writes one row; zeros without a pair. */
    static void row(@Nullable LoraPair pair, double scale, int row, double[] out) {
        Arrays.fill(out, 0);
        if (pair == null) {
            return;
        }
        for (int r = 0; r < pair.rank(); r++) {
            double factor = scale * pair.b()[row * pair.rank() + r];
            int from = r * pair.inFeatures();
            for (int i = 0; i < out.length; i++) {
                out[i] += factor * pair.a()[from + i];
            }
        }
    }
}
