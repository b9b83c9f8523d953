package dev.flywheel.store.core;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The live manifest that an example or a feedback event belongs to.
 *
 * <p>Both are claimed, each by an id of 64 hex digits: an event may come as another example, on another impression or after a
 * restart, and still counts once.
 */
public record Claim(String adapter, long seq) {

    /** Everything that a manifest claims with this example: an id for each event behind it, then its own. */
    public static Set<String> idsOf(Example example) {
        Set<String> ids = new LinkedHashSet<>();
        if (!Failpoints.broken("dedup")) {
            example.getFeedbackList().forEach(key -> ids.add(idOf(key)));
        }
        ids.add(example.getExampleId());
        return ids;
    }

    /** Of length-prefixed parts, so that no two events share an id, nor an event and an example. */
    static String idOf(FeedbackKey key) {
        byte[] source = key.getSource().getBytes(StandardCharsets.UTF_8);
        return Digest.stream()
                .update("feedback".getBytes(StandardCharsets.UTF_8))
                .update(ByteBuffer.allocate(Integer.BYTES).putInt(source.length).array())
                .update(source)
                .update(key.getFeedbackId().getBytes(StandardCharsets.UTF_8))
                .finish()
                .hex();
    }
}
