package dev.flywheel.engine.kv;

import dev.flywheel.adapters.identity.Digest;

/**
 * What decides a prefix's keys and values besides its tokens, and who may see them: tenant, base model and adapter version.
 *
 * <p>Each part is hashed behind its length, so that no two keys are made of the same bytes; only what has the same key shares blocks
 * (P9, and no version ever reads another's).
 */
public record PrefixKey(Digest digest) {

    /**
     * Returns the key.
     *
     * @param adapterDigest digest of the version's weights, empty for the bare base model
     * @param adapterSettings what else decides what the weights do, such as their scale
     */
    public static PrefixKey of(String tenant, String baseDigest, String adapterDigest,
            byte[] adapterSettings) {
        return new PrefixKey(Digest.stream()
                .field(tenant)
                .field(baseDigest)
                .field(adapterDigest)
                .field(adapterSettings)
                .finish());
    }
}
