package dev.flywheel.app.setting;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.flywheel.app.config.DurationText;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A value of a setting, read from text; one of another kind is refused by the setting's name. */
final class SettingText {
    private static final Pattern DIGITS = Pattern.compile("0|[1-9]\\d{0,18}");
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?");
    private static final long UINT32_MAX = 0xFFFF_FFFFL;

    private SettingText() {}

    static Object read(String path, FieldDescriptor field, String text) {
        return switch (field.getType()) {
            case DOUBLE -> number(path, text);
            case UINT32 -> (int) whole(path, text, UINT32_MAX);
            case UINT64 -> whole(path, text, Long.MAX_VALUE);
            case INT64 -> path.endsWith("_millis") ? millis(path, text)
                    : whole(path, text, Long.MAX_VALUE);
            case BOOL -> truth(path, text);
            case ENUM -> choice(path, field, text);
            case STRING -> text;
            default -> throw new IllegalStateException("no text is read for " + field);
        };
    }

    private static double number(String path, String text) {
        if (!NUMBER.matcher(text).matches()) {
            throw wrong(path, text, "a number");
        }
        return Double.parseDouble(text);
    }

    private static long whole(String path, String text, long max) {
        long value = DIGITS.matcher(text).matches() ? Long.parseUnsignedLong(text) : -1;
        if (value < 0 || value > max) {
            throw wrong(path, text, "a whole number from 0 to " + max);
        }
        return value;
    }

    private static long millis(String path, String text) {
        Duration duration = DurationText.read(text);
        if (duration != null) {
            return duration.toMillis();
        }
        if (!DIGITS.matcher(text).matches()) {
            throw wrong(path, text, "milliseconds, or a number with a unit out of "
                    + DurationText.UNITS + ", such as 30s");
        }
        return whole(path, text, Long.MAX_VALUE);
    }

    private static boolean truth(String path, String text) {
        if (!text.equals("true") && !text.equals("false")) {
            throw wrong(path, text, "true or false");
        }
        return text.equals("true");
    }

    /** By the part of its name that its type does not say, in any case. */
    private static EnumValueDescriptor choice(String path, FieldDescriptor field, String text) {
        List<EnumValueDescriptor> choices = field.getEnumType()
                .getValues()
                .stream()
                .filter(each -> each.getNumber() != 0)
                .toList();
        for (EnumValueDescriptor each : choices) {
            if (name(each).equals(text.toUpperCase(Locale.ROOT))) {
                return each;
            }
        }
        throw wrong(path, text, choices.stream()
                .map(SettingText::name)
                .collect(Collectors.joining(", ", "one of ", "")));
    }

    private static String name(EnumValueDescriptor value) {
        String unset = value.getType().getValues().get(0).getName();
        return value.getName().substring(unset.length() - "UNSPECIFIED".length());
    }

    private static IllegalArgumentException wrong(String path, String text, String allowed) {
        String shown = text.length() > 80 ? text.substring(0, 80) + "..." : text;
        return new IllegalArgumentException(
                "setting %s is '%s', it must be %s".formatted(path, shown, allowed));
    }
}
