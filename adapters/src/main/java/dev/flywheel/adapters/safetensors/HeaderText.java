package dev.flywheel.adapters.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;

/** The canonical header: metadata first, tensors and their data in the order of their names, padded to a multiple of eight bytes. */
final class HeaderText {
    private static final int ALIGNMENT = 8;
    private static final JsonFactory JSON = new JsonFactory();

    private HeaderText() {}

    /** A tensor as the header tells it. */
    record Stored(TensorType type, int[] shape) {
        long elements() {
            long elements = 1;
            for (int dimension : shape) {
                elements *= dimension;
            }
            return elements;
        }

        long bytes() {
            return type.bytes() * elements();
        }
    }

    static byte[] of(SortedMap<String, String> metadata, SortedMap<String, Stored> tensors) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            writeMetadata(json, metadata);
            long offset = 0;
            for (Map.Entry<String, Stored> named : tensors.entrySet()) {
                offset = writeEntry(json, named.getKey(), named.getValue(), offset);
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory failed", e);
        }
        while (out.size() % ALIGNMENT != 0) {
            out.write(' ');
        }
        return out.toByteArray();
    }

    private static void writeMetadata(JsonGenerator json, SortedMap<String, String> metadata)
            throws IOException {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
            json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
    }

    private static long writeEntry(JsonGenerator json, String name, Stored tensor, long offset)
            throws IOException {
        json.writeObjectFieldStart(name);
        json.writeStringField("dtype", tensor.type().name());
        json.writeFieldName("shape");
        json.writeArray(tensor.shape(), 0, tensor.shape().length);
        json.writeFieldName("data_offsets");
        long end = offset + tensor.bytes();
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        return end;
    }
}
