package dev.flywheel.trainer.adapter;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.api.v1.LoraSettings;
import java.util.TreeMap;

/** What the store's records mean in terms of adapters. */
public final class Conversions {
    private Conversions() {}

    public static LoraConfig loraConfig(LoraSettings settings) {
        return new LoraConfig(
                settings.getRank(), settings.getAlpha(), settings.getRankStabilized(),
                settings.getTargetModulesList(), new TreeMap<>(settings.getModuleRanksMap()),
                new TreeMap<>(settings.getModuleAlphasMap()));
    }
}
