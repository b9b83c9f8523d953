package dev.flywheel.engine.jinja;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands after {@code is}. */
final class Tests {
    private interface Question {
        boolean answer(@Nullable Object value, Arguments arguments, Runtime runtime);
    }

    private static final Map<String, Question> KNOWN = new HashMap<>();

    static {
        plain("defined", value -> !(value instanceof Undefined));
        plain("undefined", value -> value instanceof Undefined);
        plain("none", value -> value == null);
        plain("boolean", value -> value instanceof Boolean);
        plain("true", value -> Boolean.TRUE.equals(value));
        plain("false", value -> Boolean.FALSE.equals(value));
        plain("integer", value -> value instanceof Long || value instanceof BigInteger);
        plain("float", value -> value instanceof Double);
        plain("number", Kinds::isNumber);
        plain("string", value -> value instanceof String || value instanceof Markup);
        plain("mapping", value -> value instanceof Map);
        plain("sequence",
                value -> value instanceof List || value instanceof Map || value instanceof String
                        || value instanceof Markup || value instanceof Undefined);
        plain("iterable", Kinds::iterable);
        plain("callable", value -> value instanceof Callable || value instanceof Undefined);
        rest("odd", 1L);
        rest("even", 0L);
        plain("lower", value -> {
            String text = PythonText.str(value);
            return TextMethods.hasCase(text) && text.equals(text.toLowerCase(Locale.ROOT));
        });
        plain("upper", value -> {
            String text = PythonText.str(value);
            return TextMethods.hasCase(text) && text.equals(text.toUpperCase(Locale.ROOT));
        });
        plain("filter",
                value -> Operators.hashable(value) instanceof String name && Filters.knows(name));
        plain("test", value -> Operators.hashable(value) instanceof String name && knows(name));
        compare("==", "eq", "equalto", "==");
        compare("!=", "ne", "!=");
        compare("<", "lt", "lessthan", "<");
        compare("<=", "le", "<=");
        compare(">", "gt", "greaterthan", ">");
        compare(">=", "ge", ">=");
        compare("in", "in");
        KNOWN.put("divisibleby", (value, arguments, runtime) -> {
            Object by = arguments.bind("divisibleby", "num").need("num");
            return Operators.equal(runtime.operators().arithmetic("%", value, by), 0L);
        });
        KNOWN.put("sameas", (value, arguments, runtime) -> same(value,
                arguments.bind("sameas", "other").need("other")));
    }

    private Tests() {}

    private static void plain(String name, java.util.function.Predicate<@Nullable Object> test) {
        KNOWN.put(name, (value, arguments, runtime) -> {
            arguments.bind("test '" + name + "'");
            return test.test(value);
        });
    }

    private static void rest(String name, long wanted) {
        KNOWN.put(name, (value, arguments, runtime) -> {
            arguments.bind("test '" + name + "'");
            return Operators.equal(runtime.operators().arithmetic("%", value, 2L), wanted);
        });
    }

    private static void compare(String operator, String... names) {
        for (String name : names) {
            KNOWN.put(name, (value, arguments, runtime) -> runtime.operators()
                    .compared(operator, value,
                            arguments.bind("test '" + name + "'", "other").need("other")));
        }
    }

    @SuppressWarnings("ReferenceEquality") // what `sameas` asks: the very object
    private static boolean same(@Nullable Object value, @Nullable Object other) {
        boolean simple = value == null || value instanceof Boolean || value instanceof Long
                || value instanceof String;
        return value == other || simple && value != null && value.equals(other);
    }

    static boolean knows(String name) {
        return KNOWN.containsKey(name);
    }

    static boolean answer(String name, @Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Question question = KNOWN.get(name);
        if (question == null) {
            throw TemplateException.unsupported("test '" + name + "'");
        }
        return question.answer(value, arguments, runtime);
    }
}
