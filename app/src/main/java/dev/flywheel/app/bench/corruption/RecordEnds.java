package dev.flywheel.app.bench.corruption;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the physical records of a RocksDB log end: blocks of 32 KiB with records of a checksum (4 bytes), a length (2), a type
 * (1) and data, in little-endian order. The write-ahead log and the MANIFEST have this form.
 */
final class RecordEnds {
    private static final int BLOCK_BYTES = 32 << 10;
    private static final int HEADER_BYTES = 7;
    /** Types from here on have the log's number after the type. */
    private static final int RECYCLED_TYPE_MIN = 5;
    private static final int RECYCLED_TYPE_MAX = 8;
    private static final int NUMBER_BYTES = 4;

    private RecordEnds() {}

    /** In order, the file's end among them. */
    static List<Integer> of(byte[] log) {
        ByteBuffer bytes = ByteBuffer.wrap(log).order(ByteOrder.LITTLE_ENDIAN);
        List<Integer> ends = new ArrayList<>();
        int at = 0;
        while (at + HEADER_BYTES <= log.length) {
            int left = BLOCK_BYTES - at % BLOCK_BYTES;
            int length = Short.toUnsignedInt(bytes.getShort(at + Integer.BYTES));
            int type = log[at + Integer.BYTES + Short.BYTES];
            if (left < HEADER_BYTES || length == 0 && type == 0) {
                at += left;
                continue;
            }
            boolean recycled = type >= RECYCLED_TYPE_MIN && type <= RECYCLED_TYPE_MAX;
            at += HEADER_BYTES + (recycled ? NUMBER_BYTES : 0) + length;
            if (at <= log.length) {
                ends.add(at);
            }
        }
        return ends;
    }
}
