package dev.flywheel.trainer.adapter;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.api.v1.LoraSettings;

/** What the store's records mean in terms of adapters. */
public final class Conversions {
    private Conversions() {}

    public static LoraConfig loraConfig(LoraSettings settings) {
        return LoraConfig.of(
                settings.getRank(), settings.getAlpha(), settings.getTargetModulesList());
    }
}
