package dev.flywheel.app.fuzz;

import dev.flywheel.adapters.random.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Ways to break bytes without looking at what they mean. */
enum ByteMutation {
    /** Flips one bit. */
    FLIP {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            byte[] out = bytes.clone();
            out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
            return out;
        }
    },
    /** Sets one byte to one that means something in JSON, UTF-8 or a length. */
    SET {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            byte[] out = bytes.clone();
            out[random.nextInt(out.length)] = (byte) TELLING[random.nextInt(TELLING.length)];
            return out;
        }
    },
    /** Writes a telling number over eight bytes, often the first eight. */
    LONG {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            byte[] out = Arrays.copyOf(bytes, Math.max(bytes.length, Long.BYTES));
            int at = random.chance(0.5) ? 0 : random.nextInt(out.length - Long.BYTES + 1);
            long value = random.pick(LONGS) + (random.chance(0.5) ? 0 : bytes.length);
            ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
            return out;
        }
    },
    /** Cuts the end off. */
    CUT {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            return Arrays.copyOf(bytes, random.nextInt(bytes.length));
        }
    },
    /** Takes some bytes out. */
    REMOVE {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            int from = random.nextInt(bytes.length);
            int to = Math.min(bytes.length, from + 1 + random.nextInt(RUN_MAX));
            return join(Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, to, bytes.length));
        }
    },
    /** Puts arbitrary bytes in. */
    INSERT {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            byte[] fresh = new byte[1 + random.nextInt(RUN_MAX)];
            for (int i = 0; i < fresh.length; i++) {
                fresh[i] = (byte) random.nextInt(256);
            }
            return insert(bytes, random.nextInt(bytes.length + 1), fresh);
        }
    },
    /** Says something twice. */
    REPEAT {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            int from = random.nextInt(bytes.length);
            int to = Math.min(bytes.length, from + 1 + random.nextInt(RUN_MAX));
            return insert(
                    bytes, random.nextInt(bytes.length + 1), Arrays.copyOfRange(bytes, from, to));
        }
    },
    /** Appends zeros or spaces. */
    APPEND {
        @Override
        byte[] apply(byte[] bytes, SeededRandom random) {
            byte[] more = new byte[1 + random.nextInt(RUN_MAX)];
            Arrays.fill(more, (byte) (random.chance(0.5) ? 0 : ' '));
            return join(bytes, more);
        }
    };

    private static final int RUN_MAX = 64;
    private static final int[] TELLING = {
        0, 0xFF, 0x7F, 0x80, 0xC0, 0xED, '{', '}', '[', ']', '"', '\\', ',', ':', '-', '0', '9',
        'e', '.', '/', '\n'};
    private static final List<Long> LONGS =
            List.of(0L, 1L, -1L, 2L, 7L, 8L, 1L << 20, 100_000_000L, (1L << 31) - 1, 1L << 31,
                    1L << 32, 1L << 53, Long.MAX_VALUE, Long.MIN_VALUE, -8L);

    /** Returns broken bytes; {@code bytes} has at least one and is left as it is. */
    abstract byte[] apply(byte[] bytes, SeededRandom random);

    private static byte[] insert(byte[] bytes, int at, byte[] fresh) {
        return join(
                join(Arrays.copyOf(bytes, at), fresh),
                Arrays.copyOfRange(bytes, at, bytes.length));
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
