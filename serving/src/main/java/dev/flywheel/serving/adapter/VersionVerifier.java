package dev.flywheel.serving.adapter;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Turns a version's bytes into weights that fit this node's base model, or refuses it by name (P2): base
 * digest, bytes against digest, rank, exactly the modules that the adapter targets, shapes, finite values.
 * What the weights compute is judged later, by their probe.
 */
final class VersionVerifier {
    private final String baseDigest;
    private final Map<String, ModuleShape> modules;
    private final int rankMax;

    VersionVerifier(Digest baseDigest, Map<String, ModuleShape> modules, int rankMax) {
        this.baseDigest = baseDigest.hex();
        this.modules = Map.copyOf(modules);
        this.rankMax = rankMax;
    }

    LoraWeights verify(AdapterRecord adapter, VersionRecord version, byte[] bytes) {
        VersionKey key = new VersionKey(adapter.getName(), version.getRef().getNumber());
        requireSameBase(key, adapter.getBaseDigest());
        requireSameBase(key, version.getRef().getBaseDigest());
        if (!Digest.of(bytes).hex().equals(version.getRef().getDigest())
                && !Failpoints.broken("checksum")) {
            throw ServingException.resource(ErrorCode.ARTIFACT_CORRUPT, key.toString(),
                    key + " does not have the bytes that its digest names");
        }
        try {
            LoraWeights weights = LoraWeights.fromSafetensors(config(adapter.getLora()), bytes);
            requireFits(key, weights);
            return weights;
        } catch (AdapterException | IllegalArgumentException e) {
            throw refused(key, String.valueOf(e.getMessage()));
        }
    }

    static ServingException refused(VersionKey key, String why) {
        return ServingException.resource(ErrorCode.ADAPTER_NOT_SERVABLE, key.toString(),
                key + " is not servable: " + why);
    }

    private static LoraConfig config(LoraSettings lora) {
        return new LoraConfig(lora.getRank(), lora.getAlpha(), lora.getRankStabilized(),
                lora.getTargetModulesList(), new TreeMap<>(lora.getModuleRanksMap()),
                new TreeMap<>(lora.getModuleAlphasMap()));
    }

    private void requireSameBase(VersionKey key, String digest) {
        if (!digest.equals(baseDigest)) {
            throw refused(key, "it is for base " + brief(digest) + ", this node serves "
                    + brief(baseDigest));
        }
    }

    private void requireFits(VersionKey key, LoraWeights weights) {
        if (weights.config().rankMax() > rankMax) {
            throw refused(key, "its rank is " + weights.config().rankMax()
                    + ", the engine was started with at most " + rankMax
                    + "; raise engine.rank_max");
        }
        TreeSet<String> missing = new TreeSet<>(modules.keySet());
        missing.removeIf(module -> !weights.config().targets(module));
        for (LoraPair pair : weights.pairs().values()) {
            if (!missing.remove(pair.module())) {
                throw refused(key, "it has weights for " + pair.module()
                        + ", which it does not target or the base does not have");
            }
            ModuleShape shape = new ModuleShape(pair.inFeatures(), pair.outFeatures());
            if (!shape.equals(modules.get(pair.module()))) {
                throw refused(key, pair.module() + " is " + shape + ", the base has "
                        + modules.get(pair.module()));
            }
        }
        if (!missing.isEmpty()) {
            throw refused(key, "it has no weights for " + missing.first());
        }
    }

    private static String brief(String digest) {
        return digest.substring(0, Math.min(8, digest.length()));
    }
}
