package dev.flywheel.engine.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Python's {@code format % values}, for text, integers and fixed-point numbers. */
final class PercentFormat {
    private static final Pattern PLACE =
            Pattern.compile("%(?:\\((\\w+)\\))?([-0+ ]*)(\\d{1,4})?(?:\\.(\\d{1,3}))?([a-zA-Z%])");

    private final Budget budget;

    PercentFormat(Budget budget) {
        this.budget = budget;
    }

    String text(String format, @Nullable Object values) {
        Iterator<? extends @Nullable Object> next =
                values instanceof Tuple tuple ? tuple.iterator()
                        : List.of(boxed(values)).iterator();
        boolean tuple = values instanceof Tuple;
        boolean[] used = new boolean[1];
        StringBuilder out = new StringBuilder();
        Matcher place = PLACE.matcher(format);
        int at = 0;
        for (int percent = format.indexOf('%'); percent >= 0; percent = format.indexOf('%', at)) {
            if (!place.find(percent) || place.start() != percent) {
                throw TemplateException
                        .unsupported("the format '" + format.substring(percent) + "'");
            }
            out.append(format, at, percent);
            at = place.end();
            if (place.group(5).equals("%")) {
                out.append('%');
                continue;
            }
            Object value =
                    place.group(1) != null ? named(values, place.group(1)) : unboxed(take(next));
            used[0] |= place.group(1) != null;
            out.append(budget.made(one(place, value)));
        }
        boolean rest = next.hasNext()
                && !(used[0] || !tuple && (values instanceof Map || values instanceof List));
        if (rest) {
            throw TemplateException.failed("not all arguments converted during string formatting");
        }
        return budget.made(out.append(format.substring(at)).toString());
    }

    private record Box(@Nullable Object value) {}

    private static Object boxed(@Nullable Object value) {
        return new Box(value);
    }

    private static @Nullable Object unboxed(@Nullable Object value) {
        return value instanceof Box box ? box.value() : value;
    }

    private static @Nullable Object take(Iterator<? extends @Nullable Object> next) {
        if (!next.hasNext()) {
            throw TemplateException.failed("not enough arguments for format string");
        }
        return next.next();
    }

    private static @Nullable Object named(@Nullable Object values, String name) {
        if (!(values instanceof Map<?, ?> map)) {
            throw TemplateException.failed("format requires a mapping");
        }
        if (!map.containsKey(name)) {
            throw TemplateException.failed(PythonText.repr(name));
        }
        return map.get(name);
    }

    private static String one(Matcher place, @Nullable Object value) {
        String flags = place.group(2);
        int width = place.group(3) == null ? 0 : Integer.parseInt(place.group(3));
        int precision = place.group(4) == null ? -1 : Integer.parseInt(place.group(4));
        if (value instanceof Undefined undefined && !place.group(5).matches("[sr]")) {
            throw undefined.failure();
        }
        String text = switch (place.group(5)) {
            case "s" -> cut(PythonText.str(value), precision);
            case "r" -> cut(PythonText.repr(value), precision);
            case "d", "i" -> signed(whole(value), flags);
            case "f", "F" -> signed(fixed(value, precision < 0 ? 6 : precision), flags);
            default -> throw TemplateException.unsupported("the format '" + place.group() + "'");
        };
        return padded(text, width, flags, !place.group(5).matches("[sr]"));
    }

    private static String cut(String text, int precision) {
        return precision < 0 || text.codePointCount(0, text.length()) <= precision
                ? text
                : text.substring(0, text.offsetByCodePoints(0, precision));
    }

    private static String whole(@Nullable Object value) {
        if (!Kinds.isNumber(value)) {
            throw TemplateException.failed(
                    "%d format: a real number is required, not " + Kinds.name(value));
        }
        return value instanceof Double real
                ? new BigDecimal(real).setScale(0, RoundingMode.DOWN).toPlainString()
                : PythonText.str(value instanceof Boolean flag ? (Object) (flag ? 1L : 0L) : value);
    }

    private static String fixed(@Nullable Object value, int precision) {
        if (!Kinds.isNumber(value)) {
            throw TemplateException.failed("must be real number, not " + Kinds.name(value));
        }
        double real = Operators.real(Objects.requireNonNull(value, "a number"));
        return Double.isFinite(real)
                ? new BigDecimal(real).setScale(precision, RoundingMode.HALF_EVEN).toPlainString()
                : PythonText.number(real);
    }

    private static String signed(String number, String flags) {
        if (number.startsWith("-")) {
            return number;
        }
        return flags.contains("+") ? "+" + number : flags.contains(" ") ? " " + number : number;
    }

    private static String padded(String text, int width, String flags, boolean number) {
        int missing = width - text.codePointCount(0, text.length());
        if (missing <= 0) {
            return text;
        }
        if (flags.contains("-")) {
            return text + " ".repeat(missing);
        }
        if (number && flags.contains("0")) {
            int sign = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0 ? 1 : 0;
            return text.substring(0, sign) + "0".repeat(missing) + text.substring(sign);
        }
        return " ".repeat(missing) + text;
    }
}
