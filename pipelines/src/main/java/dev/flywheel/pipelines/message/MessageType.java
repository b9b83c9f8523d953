package dev.flywheel.pipelines.message;

import com.google.protobuf.MessageLite;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** A protobuf message as a Flink type. */
public final class MessageType<T extends MessageLite> extends TypeInformation<T> {
    private static final long serialVersionUID = 1L;

    private final Class<T> type;

    private MessageType(Class<T> type) {
        this.type = type;
    }

    public static <T extends MessageLite> MessageType<T> ofMessage(Class<T> type) {
        return new MessageType<>(type);
    }

    @Override
    public TypeSerializer<T> createSerializer(SerializerConfig config) {
        return new MessageSerializer<>(type);
    }

    @Override
    public Class<T> getTypeClass() {
        return type;
    }

    @Override
    public boolean isBasicType() {
        return false;
    }

    @Override
    public boolean isTupleType() {
        return false;
    }

    @Override
    public boolean isKeyType() {
        return false;
    }

    @Override
    public int getArity() {
        return 1;
    }

    @Override
    public int getTotalFields() {
        return 1;
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof MessageType;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MessageType<?> that && type.equals(that.type);
    }

    @Override
    public int hashCode() {
        return type.hashCode();
    }

    @Override
    public String toString() {
        return "MessageType(" + type.getSimpleName() + ")";
    }
}
