package dev.flywheel.serving.settings;

/**
 * What serving takes of the device's memory.
 *
 * @param adapterSlots versions resident at once; at least 2, so that a swap has a slot to stage in
 * @param rankMax largest rank of an adapter
 * @param kvBlocks blocks of the KV cache
 * @param kvBlockTokens token positions of one block
 * @param rowsMax token rows of one step, decode rows and prefill chunks together
 */
public record DeviceSettings(
        int adapterSlots,
        int rankMax,
        int kvBlocks,
        int kvBlockTokens,
        int rowsMax) {
    public DeviceSettings {
        Checks.atLeast("adapter_slots", adapterSlots, 2);
        Checks.atLeast("rank_max", rankMax, 1);
        Checks.atLeast("kv_blocks", kvBlocks, 1);
        Checks.atLeast("kv_block_tokens", kvBlockTokens, 1);
        Checks.atLeast("rows_max", rowsMax, 2);
    }

    public static DeviceSettings defaults() {
        return new DeviceSettings(8, 16, 4096, 16, 512);
    }
}
