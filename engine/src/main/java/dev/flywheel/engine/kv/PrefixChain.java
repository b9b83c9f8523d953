package dev.flywheel.engine.kv;

import dev.flywheel.adapters.identity.Digest;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Names the full blocks of one sequence: a block's name is the hash of the name before it and of its own tokens, and so stands for all
 * tokens up to its end. Not thread-safe.
 */
final class PrefixChain {
    private final int[] open;
    private int count;
    private Digest last;

    PrefixChain(PrefixKey key, int blockTokens) {
        this.open = new int[blockTokens];
        this.last = key.digest();
    }

    /** Takes a token; returns the name of the block that it fills, or null if it fills none. */
    @Nullable
    Digest add(int token) {
        open[count++] = token;
        if (count < open.length) {
            return null;
        }
        byte[] before = last.raw();
        ByteBuffer framed = ByteBuffer.allocate(before.length + open.length * Integer.BYTES);
        framed.put(before).asIntBuffer().put(open);
        count = 0;
        last = Digest.of(framed.array());
        return last;
    }
}
