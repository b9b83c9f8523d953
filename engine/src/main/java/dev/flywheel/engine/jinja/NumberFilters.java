package dev.flywheel.engine.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters that make numbers. */
final class NumberFilters {
    private NumberFilters() {}

    static void register(Map<String, Filters.Function> filters) {
        filters.put("int", NumberFilters::integer);
        filters.put("float", NumberFilters::real);
        filters.put("round", NumberFilters::rounded);
        filters.put("abs", (value, a, runtime) -> switch (value) {
            case Long number -> Math.abs(number);
            case Double number -> Math.abs(number);
            case Boolean flag -> flag ? 1L : 0L;
            case null, default -> throw TemplateException.failed(
                    "bad operand type for abs(): '" + Kinds.name(value) + "'");
        });
    }

    private static @Nullable Object integer(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Arguments.Bound bound = arguments.bind("int", "default", "base");
        Object otherwise = bound.get("default", 0L);
        int base = (int) Math.clamp(bound.number("base", 10), 0, 99);
        if (base != 10) {
            throw TemplateException.unsupported("filter 'int' with base " + base);
        }
        return switch (value) {
            case Long number -> number;
            case BigInteger number -> number;
            case Boolean flag -> flag ? 1L : 0L;
            case Double number ->
                Double.isFinite(number) ? whole(new BigDecimal(number)) : otherwise;
            case String text -> parsed(text.strip(), otherwise);
            case Undefined undefined -> throw undefined.failure();
            case null, default -> otherwise;
        };
    }

    private static @Nullable Object parsed(String text, @Nullable Object otherwise) {
        if (text.length() > 300
                || !text.matches("[+-]?(\\d+(_\\d+)*)?(\\.\\d*)?([eE][+-]?\\d{1,3})?")) {
            return otherwise;
        }
        try {
            return whole(new BigDecimal(text.replace("_", "")));
        } catch (NumberFormatException e) {
            return otherwise; // no digit at all
        }
    }

    private static Object whole(BigDecimal number) {
        BigInteger whole = number.setScale(0, RoundingMode.DOWN).toBigInteger();
        return whole.bitLength() < Long.SIZE ? (Object) whole.longValue() : whole;
    }

    private static @Nullable Object real(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Object otherwise = arguments.bind("float", "default").get("default", 0.0);
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (value instanceof String text) {
            String digits = text.strip();
            return digits.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")
                    ? (Object) Double.valueOf(digits)
                    : otherwise;
        }
        return value != null && Kinds.isNumber(value) ? (Object) Operators.real(value) : otherwise;
    }

    private static Object rounded(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("round", "precision", "method");
        int precision = (int) Math.clamp(bound.number("precision", 0), -300, 300);
        String method = bound.text("method", "common");
        if (value == null || !Kinds.isNumber(value)) {
            throw TemplateException.failed("must be real number, not " + Kinds.name(value));
        }
        if (!(value instanceof Double number)) {
            if (precision < 0 || !method.equals("common")) {
                throw TemplateException.unsupported("rounding an integer so");
            }
            return value instanceof Boolean flag ? (Object) (flag ? 1L : 0L) : value;
        }
        RoundingMode mode = switch (method) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw TemplateException.failed("method must be common, ceil or floor");
        };
        if (!Double.isFinite(number)) {
            return number;
        }
        if (mode != RoundingMode.HALF_EVEN) {
            double power = Math.pow(10, precision);
            double scaled = number * power;
            return (mode == RoundingMode.CEILING ? Math.ceil(scaled) : Math.floor(scaled)) / power;
        }
        double rounded = new BigDecimal(number).setScale(precision, mode).doubleValue();
        return Math.copySign(rounded, number);
    }
}
