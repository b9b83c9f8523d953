package dev.flywheel.app.abuse;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.List;

/** The numeric fields of a request, found by reflection, and the numbers that break careless code. */
final class ExtremeNumbers {
    private ExtremeNumbers() {}

    /** A number in a field; the path is as errors name it. */
    record Value(List<FieldDescriptor> path, Object number) {
        String field() {
            return String.join(".", path.stream().map(FieldDescriptor::getName).toList());
        }

        void put(Message.Builder request) {
            Message.Builder at = request;
            for (FieldDescriptor step : path.subList(0, path.size() - 1)) {
                at = at.getFieldBuilder(step);
            }
            FieldDescriptor last = path.getLast();
            at.setField(last, last.getJavaType() == FieldDescriptor.JavaType.ENUM
                    ? last.getEnumType().findValueByNumberCreatingIfUnknown((Integer) number)
                    : number);
        }
    }

    /** Returns for each numeric field of a request all that is put into it. */
    static List<List<Value>> of(Message request) {
        List<List<Value>> fields = new ArrayList<>();
        collect(request.getDescriptorForType().getFields(), List.of(), fields);
        return fields;
    }

    private static void collect(List<FieldDescriptor> fields, List<FieldDescriptor> before,
            List<List<Value>> found) {
        for (FieldDescriptor field : fields) {
            List<FieldDescriptor> path = new ArrayList<>(before);
            path.add(field);
            if (field.isRepeated()) {
                continue;
            }
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                collect(field.getMessageType().getFields(), path, found);
            } else if (!numbers(field).isEmpty()) {
                found.add(numbers(field).stream().map(each -> new Value(path, each)).toList());
            }
        }
    }

    private static List<?> numbers(FieldDescriptor field) {
        return switch (field.getJavaType()) {
            case INT, ENUM -> List.of(-1, 0, 1, Integer.MIN_VALUE, Integer.MAX_VALUE);
            case LONG -> List.of(-1L, 0L, 1L, Long.MIN_VALUE, Long.MAX_VALUE,
                    (long) Integer.MAX_VALUE);
            case FLOAT -> List.of(-1f, 0f, -0f, 1f, Float.MIN_VALUE, Float.MAX_VALUE,
                    -Float.MAX_VALUE, Float.NaN, Float.POSITIVE_INFINITY,
                    Float.NEGATIVE_INFINITY);
            case DOUBLE -> List.of(-1.0, 0.0, 1.0, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN,
                    Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
            case BOOLEAN, STRING, BYTE_STRING, MESSAGE -> List.of();
        };
    }
}
