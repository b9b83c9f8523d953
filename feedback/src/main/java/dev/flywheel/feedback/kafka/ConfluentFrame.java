package dev.flywheel.feedback.kafka;

import com.google.protobuf.CodedInputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * The frame that Confluent's serializers put before a protobuf message: a zero byte, the schema's id in four bytes, and the
 * message's place in the schema as zig-zag variable-length numbers, how many first.
 *
 * <p>No protobuf message begins with a zero byte, so that framed values are told from bare ones without doubt. Neither id nor
 * place is looked up: what a record is says its type.
 */
final class ConfluentFrame {
    private static final int SCHEMA_ID_BYTES = Integer.BYTES;
    private static final int DEPTH_MAX = 64;

    private ConfluentFrame() {}

    static boolean begins(byte[] value) {
        return value.length > 0 && value[0] == 0;
    }

    /**
     * Returns the message without its frame.
     *
     * @throws IllegalArgumentException if the frame is cut short
     */
    static byte[] unwrapped(byte[] value) {
        try {
            CodedInputStream in = CodedInputStream.newInstance(value);
            in.skipRawBytes(1 + SCHEMA_ID_BYTES);
            int depth = in.readSInt32();
            if (depth < 0 || depth > DEPTH_MAX) {
                throw new IllegalArgumentException(
                        "the frame's message index has %d entries, allowed are 0 to %d"
                                .formatted(depth, DEPTH_MAX));
            }
            for (int i = 0; i < depth; i++) {
                in.readSInt32();
            }
            int from = in.getTotalBytesRead();
            return Arrays.copyOfRange(value, from, value.length);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "value begins like Confluent's framing and ends within it", e);
        }
    }
}
