package dev.flywheel.serving.impression;

import dev.flywheel.adapters.identity.Digest;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.random.RandomGenerator;

/**
 * Ids that sort by time: 48 bits of milliseconds and 80 random bits, as 26 characters of Crockford's base
 * 32 in lower case (the ULID layout). Thread-safe if the generator is.
 */
public final class ImpressionIds {
    private static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
    private static final int CHARS = 26;
    private static final int BITS_PER_CHAR = 5;

    private final InstantSource clock;
    private final RandomGenerator random;

    public ImpressionIds(InstantSource clock, RandomGenerator random) {
        this.clock = clock;
        this.random = random;
    }

    /** Returns a new id. */
    public String next() {
        long high = (clock.millis() << 16) | (random.nextLong() & 0xFFFF);
        long low = random.nextLong();
        char[] id = new char[CHARS];
        for (int i = CHARS - 1; i >= 0; i--) {
            id[i] = ALPHABET.charAt((int) (low & 31));
            low = (low >>> BITS_PER_CHAR) | (high << (Long.SIZE - BITS_PER_CHAR));
            high >>>= BITS_PER_CHAR;
        }
        return new String(id);
    }

    /** Returns the seed of an impression's randomness: the first eight bytes of the id's SHA-256. */
    public static long seedOf(String impressionId) {
        return ByteBuffer.wrap(Digest.of(impressionId).raw()).getLong();
    }
}
