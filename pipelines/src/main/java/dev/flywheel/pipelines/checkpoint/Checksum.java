package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The end of a checked file: {@value #BYTES} bytes with a mark, the length of what stands before them, and its CRC-32C (Castagnoli,
 * RFC 3720). A file without that was never finished, or has lost its end.
 */
final class Checksum {
    static final int BYTES = 16;
    private static final int MARK = 0x46_57_43_31;
    private static final int BLOCK = 1 << 16;

    private Checksum() {}

    static byte[] end(long length, CRC32C crc) {
        return ByteBuffer.allocate(BYTES)
                .putInt(MARK)
                .putLong(length)
                .putInt((int) crc.getValue())
                .array();
    }

    /**
     * Reads a whole file and returns how long it is without its end.
     *
     * @throws IOException if it is not there, was not finished, or is not what was written
     */
    static long verify(Path path) throws IOException {
        try (InputStream file = Files.newInputStream(path)) {
            long length = Files.size(path) - BYTES;
            if (length < 0) {
                throw damaged(path, "it is shorter than a checksum");
            }
            CRC32C crc = crc(file, length);
            if (!Arrays.equals(file.readAllBytes(), end(length, crc))) {
                throw damaged(path, "its checksum does not fit what is in it");
            }
            return length;
        }
    }

    private static CRC32C crc(InputStream in, long length) throws IOException {
        CRC32C crc = new CRC32C();
        byte[] block = new byte[BLOCK];
        long left = length;
        while (left > 0) {
            int read = in.read(block, 0, (int) Math.min(BLOCK, left));
            if (read < 0) {
                break;
            }
            crc.update(block, 0, read);
            left -= read;
        }
        return crc;
    }

    private static IOException damaged(Path path, String why) {
        return new IOException("checkpoint file " + path + " is damaged or was not finished: " + why
                + "; the job begins from an older checkpoint, or from none, and nothing is trained twice");
    }
}
