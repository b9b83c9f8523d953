package dev.flywheel.store.core;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of a message, by which its repetition is recognised. */
final class RequestDigest {

    private RequestDigest() {}

    static String of(MessageLite message) {
        byte[] bytes = new byte[message.getSerializedSize()];
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        // Our messages hold no maps; with this the bytes would not depend on an order even if one did.
        out.useDeterministicSerialization();
        try {
            message.writeTo(out);
            out.checkNoSpaceLeft();
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (IOException | NoSuchAlgorithmException impossible) {
            throw new AssertionError("an array takes every byte and every Java has SHA-256",
                    impossible);
        }
    }
}
