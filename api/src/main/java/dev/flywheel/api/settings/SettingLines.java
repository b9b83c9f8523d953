package dev.flywheel.api.settings;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import dev.flywheel.api.v1.AdapterRecord;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Settings as lines of text, {@code round.learning_rate} for example: how audits and operators name and read them.
 *
 * <p>What is unset is not there; a number that cannot be unset always is.
 */
public final class SettingLines {
    /** Written where one side of a change has no value. */
    public static final String UNSET = "unset";

    private static final Set<String> CONFIGURABLE =
            Set.of("round", "release", "learning", "exploration", "quota");

    private SettingLines() {}

    /** Returns what can be configured of an adapter, in the order of the contract: path to value. */
    public static Map<String, String> of(AdapterRecord adapter) {
        Map<String, String> lines = new LinkedHashMap<>();
        for (FieldDescriptor field : AdapterRecord.getDescriptor().getFields()) {
            if (CONFIGURABLE.contains(field.getName())) {
                add(lines, field.getName(), adapter, field);
            }
        }
        return lines;
    }

    /** Returns every field of a message, and of those in it, under a path that begins with {@code prefix}. */
    public static Map<String, String> of(String prefix, Message message) {
        Map<String, String> lines = new LinkedHashMap<>();
        addAll(lines, prefix, message);
        return lines;
    }

    /** Returns what changed, one a line, as {@code round.learning_rate: 0.0005 -> 0.001}; empty if nothing did. */
    public static String changes(AdapterRecord before, AdapterRecord after) {
        Map<String, String> from = of(before);
        Map<String, String> to = of(after);
        Set<String> paths = new LinkedHashSet<>(from.keySet());
        paths.addAll(to.keySet());
        return paths.stream()
                .filter(path -> !value(from, path).equals(value(to, path)))
                .map(path -> path + ": " + value(from, path) + " -> " + value(to, path))
                .collect(Collectors.joining("\n"));
    }

    private static String value(Map<String, String> lines, String path) {
        return lines.getOrDefault(path, UNSET);
    }

    private static void addAll(Map<String, String> lines, String prefix, Message message) {
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            String path = prefix.isEmpty() ? field.getName() : prefix + "." + field.getName();
            add(lines, path, message, field);
        }
    }

    private static void add(Map<String, String> lines, String path, Message message,
            FieldDescriptor field) {
        if (field.isMapField()) {
            addMap(lines, path, (List<?>) message.getField(field));
        } else if (field.isRepeated()) {
            String joined = ((List<?>) message.getField(field)).stream()
                    .map(each -> text(field, each))
                    .collect(Collectors.joining(","));
            lines.put(path, joined);
        } else if (field.getJavaType() == JavaType.MESSAGE) {
            addAll(lines, path, (Message) message.getField(field));
        } else if (isSet(message, field)) {
            lines.put(path, text(field, message.getField(field)));
        }
    }

    /** An enum says by its first value that it is unset. */
    private static boolean isSet(Message message, FieldDescriptor field) {
        return field.hasPresence() ? message.hasField(field)
                : field.getJavaType() != JavaType.ENUM
                        || ((EnumValueDescriptor) message.getField(field)).getNumber() != 0;
    }

    private static void addMap(Map<String, String> lines, String path, List<?> entries) {
        Map<String, String> sorted = new TreeMap<>();
        for (Object entry : entries) {
            Message each = (Message) entry;
            List<FieldDescriptor> fields = each.getDescriptorForType().getFields();
            sorted.put(path + "[" + each.getField(fields.get(0)) + "]",
                    text(fields.get(1), each.getField(fields.get(1))));
        }
        lines.putAll(sorted);
    }

    private static String text(FieldDescriptor field, Object value) {
        return switch (field.getType()) {
            case UINT32 -> Integer.toUnsignedString((Integer) value);
            case UINT64 -> Long.toUnsignedString((Long) value);
            case DOUBLE -> number((Double) value);
            case ENUM -> name((EnumValueDescriptor) value);
            default -> String.valueOf(value);
        };
    }

    /** As people write it where that is short: 0.0005, not 5.0E-4. */
    private static String number(double value) {
        double size = Math.abs(value);
        if (!Double.isFinite(value) || size != 0 && (size < 1e-9 || size >= 1e15)) {
            return Double.toString(value);
        }
        String plain = new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
        return size == 0 ? "0" : plain;
    }

    /** Without its type's name: {@code BINARY}, not {@code LOSS_BINARY}. */
    private static String name(EnumValueDescriptor value) {
        String type = value.getType()
                .getName()
                .replaceAll("([a-z0-9])([A-Z])", "$1_$2")
                .toUpperCase(Locale.ROOT) + "_";
        String name = value.getName();
        return name.startsWith(type) ? name.substring(type.length()) : name;
    }
}
