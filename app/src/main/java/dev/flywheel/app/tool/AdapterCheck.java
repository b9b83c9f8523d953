package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftAdapter;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * That a PEFT folder fits a base model and works on it.
 *
 * @param baseModel what the adapter says its base is called ({@code base_model_name_or_path}); null if it says nothing
 * @param probeFingerprint of the logits with it, as served versions have one
 * @param effect largest change of a probe's logit against the bare base
 * @param changesNothing whether the effect is 0, as of an adapter that was not trained
 */
public record AdapterCheck(
        boolean fits,
        String digest,
        String baseDigest,
        @Nullable String baseModel,
        int modules,
        double norm,
        String probeFingerprint,
        double effect,
        boolean changesNothing) {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 128;

    /** Checks everything a node checks before it serves; throws with the reason if anything is wrong. */
    public static AdapterCheck of(
            Path adapter, Path base, String backendName, int threads, WeightFormat format,
            LoadProgress progress) {
        try (Backend backend = Backends.open(backendName, threads);
                BaseModel model = BaseModel.load(base, backend, format, progress)) {
            PeftAdapter peft = readWhole(adapter, model);
            LoraWeights weights = peft.weights();
            try (AdapterSlots slots = new AdapterSlots(model, 1, weights.config().rankMax());
                    KvCache cache =
                            new KvCache(model, Probe.cacheBlocks(BLOCK_TOKENS), BLOCK_TOKENS);
                    ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
                int vocabSize = model.spec().vocabSize();
                Probe without = ofBase(pass, cache, vocabSize);
                Probe with = Probe.run(pass, cache, vocabSize, slots.stage(weights));
                if (!with.finite()) {
                    throw new ToolException(
                            "the adapter makes logits that are not finite; those of the bare base are");
                }
                double effect = with.distance(without);
                return new AdapterCheck(true, weights.digest().hex(), model.digest().hex(),
                        peft.baseModel(), weights.pairs().size(), weights.norm(),
                        with.fingerprint().hex(), effect,
                        effect == 0);
            }
        }
    }

    /** Runs the bare base first: what is wrong with it is not the adapter's fault. */
    static Probe ofBase(ForwardPass pass, KvCache cache, int vocabSize) {
        Probe probe = Probe.run(pass, cache, vocabSize, AdapterSlots.BASE);
        if (!probe.finite()) {
            throw new ToolException(
                    "the base model makes logits that are not finite, without any adapter; a weight of it is not"
                            + " finite or far too large");
        }
        return probe;
    }

    /** Reads a folder for a base and holds it against what its flywheel.json says of it. */
    public static LoraWeights read(Path adapter, BaseModel model) {
        return readWhole(adapter, model).weights();
    }

    /** The same, with the fields of its configuration that change no number. */
    public static PeftAdapter readWhole(Path adapter, BaseModel model) {
        PeftAdapter peft = PeftFolder.read(adapter, model.linearModules());
        LoraWeights weights = peft.weights();
        @Nullable Sidecar sidecar = Sidecar.read(adapter);
        if (sidecar == null) {
            return peft;
        }
        String baseDigest = sidecar.baseDigest();
        if (baseDigest != null && !baseDigest.equals(model.digest().hex())) {
            throw new ToolException(
                    ("the adapter belongs to base %s (flywheel.json), the model is %s; give that base with --model,"
                            + " and with --weights how it is held")
                            .formatted(baseDigest, model.digest().hex()));
        }
        if (!sidecar.digest().equals(weights.digest().hex())) {
            throw new ToolException(
                    "the weights have digest %s, flywheel.json says %s: they were changed since they were exported"
                            .formatted(weights.digest().hex(), sidecar.digest()));
        }
        return peft;
    }
}
