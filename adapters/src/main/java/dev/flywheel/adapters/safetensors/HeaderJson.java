package dev.flywheel.adapters.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.json.JsonProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The JSON of a safetensors header, read token by token so that nothing slips past unseen. */
final class HeaderJson {
    private static final int DEPTH_MAX = 4;
    private static final int DIMENSIONS_MAX = 8;
    private static final int NAME_LENGTH_MAX = 4096;
    private static final JsonFactory JSON =
            JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(DEPTH_MAX)
                                    .maxNameLength(NAME_LENGTH_MAX)
                                    .maxNumberLength(24)
                                    .build())
                    .build();

    private final SortedMap<String, TensorEntry> tensors = new TreeMap<>();
    private final SortedMap<String, String> metadata = new TreeMap<>();
    private final long dataStart;
    private final JsonParser parser;

    private HeaderJson(JsonParser parser, long dataStart) {
        this.parser = parser;
        this.dataStart = dataStart;
    }

    SortedMap<String, TensorEntry> tensors() {
        return tensors;
    }

    SortedMap<String, String> metadata() {
        return metadata;
    }

    static HeaderJson parse(ByteBuffer utf8, long dataStart) {
        String text = decode(utf8);
        if (text.isEmpty() || text.charAt(0) != '{') {
            throw malformed("the header is not a JSON object: it must begin with '{'");
        }
        try (JsonParser parser = JSON.createParser(text)) {
            HeaderJson header = new HeaderJson(parser, dataStart);
            header.readObject();
            return header;
        } catch (JsonProcessingException e) {
            throw new AdapterException(
                    Code.MALFORMED, "the header is no valid JSON: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory failed", e);
        }
    }

    private static String decode(ByteBuffer utf8) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8.duplicate()).toString();
        } catch (CharacterCodingException e) {
            throw new AdapterException(Code.MALFORMED, "the header is not UTF-8", e);
        }
    }

    private void readObject() throws IOException {
        expect(parser.nextToken(), JsonToken.START_OBJECT, "the header");
        for (String name = parser.nextFieldName();
                name != null;
                name = parser.nextFieldName()) {
            if (name.equals("__metadata__")) {
                readMetadata();
            } else {
                tensors.put(name, readEntry(name));
            }
        }
        if (parser.nextToken() != null) {
            throw malformed("the header goes on after its JSON object");
        }
    }

    private void readMetadata() throws IOException {
        if (parser.nextToken() == JsonToken.VALUE_NULL) {
            return;
        }
        expect(parser.currentToken(), JsonToken.START_OBJECT, "__metadata__");
        for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
            expect(parser.nextToken(), JsonToken.VALUE_STRING, "__metadata__ " + Shown.of(key));
            metadata.put(key, parser.getText());
        }
    }

    private TensorEntry readEntry(String name) throws IOException {
        expect(parser.nextToken(), JsonToken.START_OBJECT, "tensor " + Shown.of(name));
        TensorType type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
            switch (key) {
                case "dtype" -> type = readType(name);
                case "shape" -> shape = readNumbers(name, key);
                case "data_offsets" -> offsets = readNumbers(name, key);
                default -> { // readers of the format pass over what they do not know
                    parser.nextToken();
                    parser.skipChildren();
                }
            }
        }
        return entry(
                name,
                required(name, "dtype", type),
                required(name, "shape", shape),
                required(name, "data_offsets", offsets));
    }

    private TensorType readType(String name) throws IOException {
        expect(parser.nextToken(), JsonToken.VALUE_STRING, "dtype of tensor " + Shown.of(name));
        return TensorType.parse(name, parser.getText());
    }

    private List<Long> readNumbers(String name, String key) throws IOException {
        String what = key + " of tensor " + Shown.of(name);
        expect(parser.nextToken(), JsonToken.START_ARRAY, what);
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
            if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                throw malformed(what + " has a number beyond 2^63");
            }
            long value = parser.getLongValue();
            if (value < 0 || parser.getText().startsWith("-") || numbers.size() == DIMENSIONS_MAX) {
                throw malformed(
                        what + " must be at most " + DIMENSIONS_MAX + " numbers from 0 upwards");
            }
            numbers.add(value);
        }
        return numbers;
    }

    private TensorEntry entry(String name, TensorType type, List<Long> shape, List<Long> offsets) {
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw malformed(
                    "data_offsets of tensor "
                            + Shown.of(name)
                            + " are "
                            + offsets
                            + ", expected [begin, end] with begin <= end");
        }
        long claimed = offsets.get(1) - offsets.get(0);
        try {
            long needed = type.bytes();
            for (long dimension : shape) {
                needed = Math.multiplyExact(needed, dimension);
            }
            if (needed != claimed) {
                throw malformed(
                        "tensor "
                                + Shown.of(name)
                                + " of shape "
                                + shape
                                + " needs "
                                + needed
                                + " bytes, its data_offsets span "
                                + claimed);
            }
            return new TensorEntry(
                    name,
                    type,
                    shape,
                    Math.addExact(dataStart, offsets.get(0)),
                    Math.addExact(dataStart, offsets.get(1)));
        } catch (ArithmeticException e) {
            throw new AdapterException(
                    Code.MALFORMED,
                    "tensor " + Shown.of(name) + " of shape " + shape + " is larger than any file",
                    e);
        }
    }

    private static <T> T required(String tensor, String field, @Nullable T value) {
        if (value == null) {
            throw malformed("tensor " + Shown.of(tensor) + " lacks " + field);
        }
        return value;
    }

    private static void expect(@Nullable JsonToken got, JsonToken expected, String what) {
        if (got != expected) {
            throw malformed(what + " is " + got + ", expected " + expected);
        }
    }

    private static AdapterException malformed(String message) {
        return new AdapterException(Code.MALFORMED, message);
    }
}
