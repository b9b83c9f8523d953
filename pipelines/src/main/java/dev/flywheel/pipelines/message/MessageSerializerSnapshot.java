package dev.flywheel.pipelines.message;

import com.google.protobuf.MessageLite;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Which message a state holds. Any version of one message reads any other's bytes: that is protobuf's own promise, kept by
 * only ever adding fields.
 */
public final class MessageSerializerSnapshot<
        T extends MessageLite> implements TypeSerializerSnapshot<T> {
    private static final int VERSION = 1;

    private @Nullable Class<T> type;

    /** For Flink, which then calls {@link #readSnapshot}. */
    public MessageSerializerSnapshot() {}

    MessageSerializerSnapshot(Class<T> type) {
        this.type = type;
    }

    private Class<T> type() {
        if (type == null) {
            throw new IllegalStateException("snapshot has not been read");
        }
        return type;
    }

    @Override
    public int getCurrentVersion() {
        return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
        out.writeUTF(type().getName());
    }

    @Override
    @SuppressWarnings("unchecked") // written from a Class<T>
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
        String name = in.readUTF();
        try {
            type = (Class<T>) Class.forName(name, true, loader).asSubclass(MessageLite.class);
        } catch (ClassNotFoundException e) {
            throw new IOException(
                    "state holds messages of type " + name + ", which this release does not know",
                    e);
        }
    }

    @Override
    public TypeSerializer<T> restoreSerializer() {
        return new MessageSerializer<>(type());
    }

    @Override
    public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
            TypeSerializerSnapshot<T> before) {
        return before instanceof MessageSerializerSnapshot<T> that && type().equals(that.type())
                ? TypeSerializerSchemaCompatibility.compatibleAsIs()
                : TypeSerializerSchemaCompatibility.incompatible();
    }
}
