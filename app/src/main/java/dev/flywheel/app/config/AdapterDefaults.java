package dev.flywheel.app.config;

import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.math.BigDecimal;
import java.util.Map;

/**
 * Puts into {@code reference.yaml} the defaults that stand elsewhere: what an adapter that is corrected learns
 * best with, which is found out together with the base model.
 */
final class AdapterDefaults {
    private AdapterDefaults() {}

    static String fill(String reference) {
        String text = reference;
        for (Map.Entry<String, Number> entry : values(AdapterSettings.teacher()).entrySet()) {
            String number = new BigDecimal(entry.getValue().toString()).toPlainString();
            text = text.replace("${" + entry.getKey() + "}", number);
        }
        return text;
    }

    private static Map<String, Number> values(AdapterSettings settings) {
        LoraSettings lora = settings.lora();
        RoundSettings round = settings.round();
        return Map.of(
                "rank", lora.getRank(),
                "alpha", lora.getAlpha(),
                "learning_rate", round.getLearningRate(),
                "steps", round.getSteps(),
                "gradient_clip", round.getGradientClip(),
                "sft_target_loss", round.getSftTargetLoss(),
                "sft_steps_max", round.getSftStepsMax(),
                "anchors_per_step", round.getAnchorsPerStep(),
                "anchor_weight", round.getAnchorWeight());
    }
}
