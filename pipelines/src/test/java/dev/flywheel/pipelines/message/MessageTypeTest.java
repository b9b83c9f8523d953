package dev.flywheel.pipelines.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.GuardState;
import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class MessageTypeTest {
    private static final FeedbackKey KEY =
            FeedbackKey.newBuilder().setSource("s").setFeedbackId("f").build();

    private final TypeSerializer<FeedbackKey> serializer =
            MessageType.ofMessage(FeedbackKey.class).createSerializer(new SerializerConfigImpl());

    @Test
    void aMessageComesBackAsItWas() throws Exception {
        assertThat(roundTrip(serializer, serializer)).isEqualTo(KEY);
        TypeSerializer<FeedbackKey> shipped = InstantiationUtil.clone(serializer);
        assertThat(roundTrip(serializer, shipped)).isEqualTo(KEY);
        assertThat(shipped).isEqualTo(serializer).hasSameHashCodeAs(serializer);
    }

    @Test
    void copyingBytesCopiesOneMessage() throws Exception {
        DataOutputSerializer two = new DataOutputSerializer(16);
        serializer.serialize(KEY, two);
        serializer.serialize(KEY.toBuilder().setFeedbackId("g").build(), two);
        DataInputDeserializer in = new DataInputDeserializer(two.getCopyOfBuffer());
        DataOutputSerializer out = new DataOutputSerializer(16);
        serializer.copy(in, out);
        assertThat(serializer.deserialize(new DataInputDeserializer(out.getCopyOfBuffer())))
                .isEqualTo(KEY);
        assertThat(serializer.deserialize(in).getFeedbackId()).isEqualTo("g");
    }

    @Test
    void aSavepointNamesItsMessageAndRefusesAnother() throws Exception {
        DataOutputSerializer out = new DataOutputSerializer(64);
        TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
        TypeSerializerSnapshot<FeedbackKey> read = TypeSerializerSnapshot.readVersionedSnapshot(
                new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
        assertThat(roundTrip(serializer, read.restoreSerializer())).isEqualTo(KEY);
        assertThat(serializer.snapshotConfiguration()
                .resolveSchemaCompatibility(read)
                .isCompatibleAsIs()).isTrue();
        TypeSerializer<GuardState> other =
                MessageType.ofMessage(GuardState.class)
                        .createSerializer(new SerializerConfigImpl());
        assertThat(crossed(other.snapshotConfiguration(), read)).isTrue();
    }

    @Test
    void cutBytesAreAnError() throws Exception {
        DataOutputSerializer out = new DataOutputSerializer(16);
        serializer.serialize(KEY, out);
        byte[] bytes = out.getCopyOfBuffer();
        DataInputDeserializer in = new DataInputDeserializer(bytes, 0, bytes.length - 1);
        assertThatThrownBy(() -> serializer.deserialize(in)).isInstanceOf(IOException.class);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // what Flink does when state of another type is found
    private static boolean crossed(TypeSerializerSnapshot now, TypeSerializerSnapshot before) {
        return now.resolveSchemaCompatibility(before).isIncompatible();
    }

    private static FeedbackKey roundTrip(
            TypeSerializer<FeedbackKey> writer, TypeSerializer<FeedbackKey> reader)
            throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(16);
        writer.serialize(KEY, out);
        return reader.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    }
}
