package dev.flywheel.engine.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Operators on values, with Python's meaning. Integers beyond 64 bits are passed on, not computed with. */
final class Operators {
    private static final int DEPTH_MAX = 200;

    private final Budget budget;

    Operators(Budget budget) {
        this.budget = budget;
    }

    @Nullable
    Object arithmetic(String operator, @Nullable Object left, @Nullable Object right) {
        refuseUndefined(left);
        if (operator.equals("%") && left instanceof String format) {
            return new PercentFormat(budget).text(format, right);
        }
        refuseUndefined(right);
        if (left != null && right != null && Kinds.isNumber(left) && Kinds.isNumber(right)) {
            return numeric(operator, left, right);
        }
        if (left instanceof Markup || right instanceof Markup) {
            return marked(operator, left, right);
        }
        if (operator.equals("+")) {
            return sum(left, right);
        }
        if (operator.equals("*") && right instanceof Long count) {
            return repeated(left, count);
        }
        if (operator.equals("*") && left instanceof Long count) {
            return repeated(right, count);
        }
        if (operator.equals("*") && (left instanceof Boolean || right instanceof Boolean)) {
            return left instanceof Boolean flag
                    ? repeated(right, flag ? 1 : 0)
                    : repeated(left, Boolean.TRUE.equals(right) ? 1 : 0);
        }
        if (operator.equals("*")
                && (left instanceof String || left instanceof List && !(left instanceof Range))) {
            throw TemplateException.failed(
                    "can't multiply sequence by non-int of type '" + Kinds.name(right) + "'");
        }
        throw unfit(operator, left, right);
    }

    private Object marked(String operator, @Nullable Object left, @Nullable Object right) {
        Markup sum = null;
        if (operator.equals("+") && left instanceof Markup markup
                && (right instanceof Markup || right instanceof String)) {
            sum = markup.plus(right);
        } else if (operator.equals("+") && left instanceof String text
                && right instanceof Markup markup) {
            sum = markup.after(text);
        }
        if (sum == null) {
            throw TemplateException.unsupported("'" + operator + "' on text marked safe");
        }
        budget.characters(sum.text().length());
        return sum;
    }

    private static void refuseUndefined(@Nullable Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
    }

    private Object sum(@Nullable Object left, @Nullable Object right) {
        if (left instanceof String a) {
            if (right instanceof String b) {
                budget.characters(a.length() + (long) b.length());
                return a + b;
            }
            throw TemplateException.failed(
                    "can only concatenate str (not \"" + Kinds.name(right) + "\") to str");
        }
        if (left instanceof List<?> a && !(left instanceof Range)
                && !(right instanceof List<?> b && alike(a, b))) {
            String kind = Kinds.name(left);
            throw TemplateException.failed("can only concatenate %s (not \"%s\") to %s"
                    .formatted(kind, Kinds.name(right), kind));
        }
        if (left instanceof List<?> a && right instanceof List<?> b && !(left instanceof Range)) {
            budget.steps(a.size() + (long) b.size());
            List<@Nullable Object> joined = new ArrayList<>(a);
            joined.addAll(b);
            return a instanceof Tuple ? new Tuple(joined) : joined;
        }
        throw unfit("+", left, right);
    }

    private Object repeated(@Nullable Object value, long count) {
        long times = Math.max(0, count);
        if (value instanceof String text) {
            budget.characters(saturated(text.length(), times));
            return text.repeat((int) times);
        }
        if (value instanceof List<?> list && !(value instanceof Range)) {
            budget.steps(saturated(list.size(), times));
            List<@Nullable Object> out = new ArrayList<>();
            for (long i = 0; i < times && !list.isEmpty(); i++) {
                out.addAll(list);
            }
            return value instanceof Tuple ? new Tuple(out) : out;
        }
        throw unfit("*", value, count);
    }

    private static long saturated(long a, long b) {
        return a != 0 && b > Integer.MAX_VALUE ? Long.MAX_VALUE / 4
                : a * Math.min(b, Integer.MAX_VALUE);
    }

    private static TemplateException unfit(String operator, @Nullable Object left,
            @Nullable Object right) {
        String shown = operator.equals("**") ? "** or pow()" : operator;
        return TemplateException.failed(
                "unsupported operand type(s) for %s: '%s' and '%s'"
                        .formatted(shown, Kinds.name(left), Kinds.name(right)));
    }

    private static Object numeric(String operator, Object left, Object right) {
        if (left instanceof Double || right instanceof Double || operator.equals("/")) {
            return real(operator, real(left), real(right));
        }
        long a = whole(left);
        long b = whole(right);
        try {
            return switch (operator) {
                case "+" -> Math.addExact(a, b);
                case "-" -> Math.subtractExact(a, b);
                case "*" -> Math.multiplyExact(a, b);
                case "//" ->
                    Math.floorDivExact(a, nonZero(b, "integer division or modulo by zero"));
                case "%" -> Math.floorMod(a, nonZero(b, "integer modulo by zero"));
                case "**" -> power(a, b);
                default -> throw new IllegalStateException(operator);
            };
        } catch (ArithmeticException e) {
            throw TemplateException.unsupported("an integer beyond 64 bits");
        }
    }

    private static Object power(long a, long b) {
        if (b < 0) {
            return power((double) a, (double) b);
        }
        if (b > 64 && Math.abs(a) > 1) {
            throw TemplateException.unsupported("an integer beyond 64 bits");
        }
        return BigInteger.valueOf(a).pow((int) (b > 64 ? 64 + b % 2 : b)).longValueExact();
    }

    private static double power(double a, double b) {
        if (a == 0 && b < 0) {
            throw TemplateException.failed("0.0 cannot be raised to a negative power");
        }
        double power = Math.pow(a, b);
        if (Double.isInfinite(power) && Double.isFinite(a) && Double.isFinite(b)) {
            throw TemplateException.failed("(34, 'Numerical result out of range')");
        }
        if (Double.isNaN(power) && !Double.isNaN(a) && !Double.isNaN(b)) {
            throw TemplateException.unsupported("a complex number");
        }
        return power;
    }

    private static long nonZero(long divisor, String message) {
        if (divisor == 0) {
            throw TemplateException.failed(message);
        }
        return divisor;
    }

    private static Object real(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw TemplateException.failed(
                    operator.equals("/") ? "division by zero" : "float floor division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> power(a, b);
            default -> throw new IllegalStateException(operator);
        };
    }

    static double real(Object number) {
        return switch (number) {
            case Boolean flag -> flag ? 1 : 0;
            case Number n -> n.doubleValue();
            default -> throw new IllegalStateException();
        };
    }

    private static long whole(Object number) {
        return switch (number) {
            case Boolean flag -> flag ? 1 : 0;
            case Long n -> n;
            default ->
                throw TemplateException.unsupported("computing with an integer beyond 64 bits");
        };
    }

    static Object signed(boolean negative, @Nullable Object value) {
        refuseUndefined(value);
        if (!Kinds.isNumber(value)) {
            throw TemplateException.failed(
                    "bad operand type for unary %s: '%s'".formatted(negative ? "-" : "+",
                            Kinds.name(value)));
        }
        if (value instanceof Double number) {
            return negative ? -number : number;
        }
        long number = whole(Objects.requireNonNull(value, "a number"));
        return negative ? Math.negateExact(number) : number;
    }

    static boolean equal(@Nullable Object left, @Nullable Object right) {
        return equal(left, right, 0);
    }

    private static boolean equal(@Nullable Object left, @Nullable Object right, int depth) {
        if (depth > DEPTH_MAX) {
            throw TemplateException.limit("values compared nest deeper than " + DEPTH_MAX);
        }
        if (left == null || right == null) {
            return left == null && right == null;
        }
        if (left != null && right != null && Kinds.isNumber(left) && Kinds.isNumber(right)) {
            return compareNumbers(left, right) == 0 && !isNan(left) && !isNan(right);
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            return alike(a, b) && equalItems(a, b, depth);
        }
        if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return a.size() == b.size() && a.entrySet()
                    .stream()
                    .allMatch(
                            entry -> b.containsKey(entry.getKey())
                                    && equal(entry.getValue(), b.get(entry.getKey()), depth + 1));
        }
        if (left instanceof Undefined && right instanceof Undefined) {
            return true;
        }
        return PythonLike.text(left).equals(PythonLike.text(right));
    }

    /** Whether both are lists, both tuples, or both ranges. */
    private static boolean alike(List<?> a, List<?> b) {
        return a instanceof Tuple == b instanceof Tuple && a instanceof Range == b instanceof Range;
    }

    private static boolean isNan(Object number) {
        return number instanceof Double real && real.isNaN();
    }

    private static boolean equalItems(List<?> a, List<?> b, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i), depth + 1)) {
                return false;
            }
        }
        return true;
    }

    /** Text and text marked safe are equal by their characters; other things only to themselves. */
    private static final class PythonLike {
        static Object text(Object value) {
            return value instanceof Markup markup ? markup.text() : value;
        }
    }

    boolean compared(String operator, @Nullable Object left, @Nullable Object right) {
        return switch (operator) {
            case "==" -> equal(left, right);
            case "!=" -> !equal(left, right);
            case "in" -> contains(right, left);
            case "not in" -> !contains(right, left);
            case "<" -> compare(left, right, operator) < 0;
            case "<=" -> compare(left, right, operator) <= 0;
            case ">" -> compare(left, right, operator) > 0;
            case ">=" -> compare(left, right, operator) >= 0;
            default -> throw new IllegalStateException(operator);
        };
    }

    boolean contains(@Nullable Object container, @Nullable Object value) {
        return switch (container) {
            case String text -> {
                if (value instanceof String || value instanceof Markup) {
                    yield text.contains(PythonText.str(value));
                }
                throw value instanceof Undefined undefined ? undefined.failure()
                        : TemplateException.failed(
                                "'in <string>' requires string as left operand, not "
                                        + Kinds.name(value));
            }
            case Map<?, ?> map -> map.containsKey(hashable(value));
            case List<?> list -> {
                budget.steps(list.size());
                yield list.stream().anyMatch(item -> equal(item, value));
            }
            case Undefined undefined -> false;
            case Generated generated -> contains(generated.rest(), value);
            case View view -> contains(view.items(), value);
            case Markup markup -> contains(markup.text(), value);
            case null, default -> throw TemplateException.failed(
                    "argument of type '" + Kinds.name(container) + "' is not iterable");
        };
    }

    /** Returns the key as maps hold it: numbers that are equal are one key. */
    static @Nullable Object hashable(@Nullable Object key) {
        if (key instanceof List && !(key instanceof Tuple) && !(key instanceof Range)
                || key instanceof Map) {
            throw TemplateException.failed("unhashable type: '" + Kinds.name(key) + "'");
        }
        if (key instanceof Boolean flag) {
            return flag ? 1L : 0L;
        }
        return key instanceof Double real && real == Math.rint(real) && Math.abs(real) < 1L << 53
                ? (Object) real.longValue()
                : key;
    }

    static int compare(@Nullable Object left, @Nullable Object right) {
        return compare(left, right, "<");
    }

    private static int compare(@Nullable Object left, @Nullable Object right, String operator) {
        refuseUndefined(left);
        refuseUndefined(right);
        if (left != null && right != null && Kinds.isNumber(left) && Kinds.isNumber(right)) {
            return compareNumbers(left, right);
        }
        if (left instanceof String a && right instanceof String b) {
            return compareText(a, b);
        }
        if (left instanceof List<?> a && right instanceof List<?> b && alike(a, b)
                && !(a instanceof Range)) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                if (!equal(a.get(i), b.get(i))) {
                    return compare(a.get(i), b.get(i), operator);
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        throw TemplateException.failed(
                "'%s' not supported between instances of '%s' and '%s'"
                        .formatted(operator, Kinds.name(left), Kinds.name(right)));
    }

    private static int compareNumbers(Object a, Object b) {
        if (a instanceof Double || b instanceof Double) {
            return Double.compare(real(a) + 0.0, real(b) + 0.0);
        }
        return exact(a).compareTo(exact(b));
    }

    private static BigDecimal exact(Object number) {
        return number instanceof BigInteger big ? new BigDecimal(big)
                : BigDecimal.valueOf(whole(number));
    }

    /** By code points, as Python does; UTF-16 would put some emoji before other characters. */
    private static int compareText(String a, String b) {
        int[] left = a.codePoints().toArray();
        int[] right = b.codePoints().toArray();
        return java.util.Arrays.compare(left, right);
    }
}
