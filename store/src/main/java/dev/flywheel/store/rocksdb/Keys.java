package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.Tombstone;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Keys as bytes. Numbers are big-endian, so their order is RocksDB's; adapter names cannot hold a zero byte, which ends them.
 */
final class Keys {
    static final byte[] TIP = text("tip");
    /** Whether the newest commit has ever been marked outside the database. */
    static final byte[] MARKED = text("marked");

    private static final HexFormat HEX = HexFormat.of();

    private Keys() {}

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] number(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }

    static long number(byte[] key) {
        return ByteBuffer.wrap(key).getLong();
    }

    /** All keys of an adapter start with this, and no other adapter's do. */
    static byte[] prefix(String adapter) {
        byte[] name = text(adapter);
        return Arrays.copyOf(name, name.length + 1);
    }

    static byte[] of(String adapter, long number) {
        byte[] prefix = prefix(adapter);
        return ByteBuffer.allocate(prefix.length + Long.BYTES).put(prefix).putLong(number).array();
    }

    /** From 64 hex digits. */
    static byte[] digest(String hex) {
        return HEX.parseHex(hex);
    }

    static String digest(byte[] key) {
        return HEX.formatHex(key);
    }

    static byte[] of(BlobReference reference) {
        byte[] owner = of(reference.adapter(), reference.version());
        return ByteBuffer.allocate(32 + owner.length)
                .put(digest(reference.digest()))
                .put(owner)
                .array();
    }

    static byte[] value(Claim claim) {
        return of(claim.adapter(), claim.seq());
    }

    static Claim claim(byte[] value) {
        int end = value.length - Long.BYTES;
        String adapter = new String(value, 0, end - 1, StandardCharsets.UTF_8);
        return new Claim(adapter, ByteBuffer.wrap(value, end, Long.BYTES).getLong());
    }

    /** Kind first, then each part with its length before it: no two tombstones share a key. */
    static byte[] of(Tombstone tombstone) {
        return switch (tombstone) {
            case Tombstone.OfExample of -> parts((byte) 1, of.exampleId(), "");
            case Tombstone.OfFeedback of -> parts((byte) 2, of.source(), of.feedbackId());
            case Tombstone.OfUser of -> parts((byte) 3, of.tenant(), of.user());
        };
    }

    private static byte[] parts(byte kind, String first, String second) {
        byte[] one = text(first);
        byte[] two = text(second);
        return ByteBuffer.allocate(1 + Integer.BYTES + one.length + two.length)
                .put(kind)
                .putInt(one.length)
                .put(one)
                .put(two)
                .array();
    }

    static boolean startsWith(byte[] key, byte[] prefix) {
        return key.length >= prefix.length
                && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }
}
