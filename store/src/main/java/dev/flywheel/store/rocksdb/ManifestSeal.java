package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.format.SavedManifest;
import dev.flywheel.store.format.SealedExample;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Manifests with each example sealed by its user's key: once the key is deleted nobody reads it any more, here or in a copy
 * without the key. In the clear stay the ids that claims go by: the example's, and those of the feedback behind it.
 *
 * <p>AES-256 in GCM (NIST SP 800-38D) with a random nonce of 96 bits; the example's id is authenticated with it.
 */
final class ManifestSeal {
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final SecureRandom RANDOM = new SecureRandom();

    private ManifestSeal() {}

    /** Where keys are looked up. */
    interface Lookup {
        /** Returns the key, no bytes if it was deleted, null if there never was one. */
        byte @Nullable [] key(byte[] id);
    }

    static SavedManifest seal(Manifest manifest, UserKeys keys) {
        SavedManifest.Builder saved = SavedManifest.newBuilder();
        Manifest.Builder clear = manifest.toBuilder().clearExamples().clearReplayed();
        for (Example example : manifest.getExamplesList()) {
            clear.addExamples(ids(example));
            saved.addExamples(seal(example, keys));
        }
        for (Example example : manifest.getReplayedList()) {
            clear.addReplayed(ids(example));
            saved.addReplayed(seal(example, keys));
        }
        return saved.setManifest(clear).build();
    }

    private static Example ids(Example example) {
        return Example.newBuilder()
                .setExampleId(example.getExampleId())
                .addAllFeedback(example.getFeedbackList())
                .build();
    }

    private static SealedExample seal(Example example, UserKeys keys) {
        byte[] id = UserKeys.id(example);
        byte[] nonce = new byte[NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        return SealedExample.newBuilder()
                .setKey(ByteString.copyFrom(id))
                .setNonce(ByteString.copyFrom(nonce))
                .setBytes(ByteString.copyFrom(
                        run(Cipher.ENCRYPT_MODE, keys.key(id), nonce, example.getExampleId(),
                                example.toByteArray())))
                .build();
    }

    /** The manifest as it was claimed, but what was erased: of that the ids are in {@link Manifest#getErasedList}. */
    static Manifest open(SavedManifest saved, Lookup keys) {
        Manifest.Builder manifest =
                saved.getManifest().toBuilder().clearExamples().clearReplayed();
        List<Example> claimed = saved.getManifest().getExamplesList();
        for (int i = 0; i < claimed.size(); i++) {
            Example example = open(claimed.get(i), saved.getExamples(i), keys);
            if (example == null) {
                manifest.addErased(claimed.get(i).getExampleId());
            } else {
                manifest.addExamples(example);
            }
        }
        for (int i = 0; i < saved.getReplayedCount(); i++) {
            Example example =
                    open(saved.getManifest().getReplayed(i), saved.getReplayed(i), keys);
            if (example != null) {
                manifest.addReplayed(example);
            }
        }
        return manifest.build();
    }

    private static @Nullable Example open(Example ids, SealedExample sealed, Lookup keys) {
        byte[] key = keys.key(sealed.getKey().toByteArray());
        if (key == null) {
            throw new StoreException(Kind.CORRUPT, "the key of the user behind example "
                    + ids.getExampleId() + " is missing; restore a backup");
        }
        if (key.length == 0) {
            return null;
        }
        byte[] bytes = run(Cipher.DECRYPT_MODE, key, sealed.getNonce().toByteArray(),
                ids.getExampleId(), sealed.getBytes().toByteArray());
        return Failures.parse(Example.parser(), bytes, "an example");
    }

    private static byte[] run(int mode, byte[] key, byte[] nonce, String id, byte[] bytes) {
        try {
            Cipher cipher = Cipher.getInstance(CIPHER);
            cipher.init(mode, new SecretKeySpec(key, "AES"),
                    new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(Keys.text(id));
            return cipher.doFinal(bytes);
        } catch (GeneralSecurityException broken) {
            throw new StoreException(Kind.CORRUPT, "example " + id
                    + " does not open with its user's key; restore a backup", broken);
        }
    }
}
