package dev.flywheel.store.core;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import dev.flywheel.adapters.identity.Digest;
import java.io.IOException;

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
            return Digest.of(bytes).hex();
        } catch (IOException impossible) {
            throw new AssertionError("an array of the right size takes every byte", impossible);
        }
    }
}
