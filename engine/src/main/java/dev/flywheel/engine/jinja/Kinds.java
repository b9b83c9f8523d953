package dev.flywheel.engine.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What kind of value a value is, in Python's words, and the conversions that Python does by itself. */
final class Kinds {
    private Kinds() {}

    static String name(@Nullable Object value) {
        return switch (value) {
            case null -> "NoneType";
            case String s -> "str";
            case Boolean b -> "bool";
            case Long l -> "int";
            case BigInteger i -> "int";
            case Double d -> "float";
            case Tuple t -> "tuple";
            case Range r -> "range";
            case List<?> l -> "list";
            case Map<?, ?> m -> "dict";
            case Generated g -> "generator";
            case View v -> v.kind();
            case Undefined u -> "Undefined";
            case Markup m -> "Markup";
            case Namespace n -> "Namespace";
            case LoopState l -> "LoopContext";
            case Macro m -> "Macro";
            case Callable c -> "function";
            default -> throw new IllegalStateException("no template value: " + value.getClass());
        };
    }

    /** As Jinja2 calls it in the message of an undefined member. */
    static String described(@Nullable Object value) {
        return switch (value) {
            case null -> "None";
            case Namespace n -> "jinja2.utils.Namespace object";
            case LoopState l -> "jinja2.runtime.LoopContext object";
            case Markup m -> "markupsafe.Markup object";
            case Macro m -> "jinja2.runtime.Macro object";
            default -> name(value) + " object";
        };
    }

    static boolean truth(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case String s -> !s.isEmpty();
            case Markup m -> !m.text().isEmpty();
            case Long l -> l != 0;
            case BigInteger i -> i.signum() != 0;
            case Double d -> d != 0;
            case List<?> l -> !l.isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            case View v -> !v.items().isEmpty();
            case Undefined u -> false;
            default -> true;
        };
    }

    static String text(@Nullable Object value, String what) {
        if (value instanceof String text) {
            return text;
        }
        throw value instanceof Undefined undefined ? undefined.failure()
                : TemplateException.failed("%s must be str, not %s".formatted(what, name(value)));
    }

    static long integer(@Nullable Object value, String what) {
        return switch (value) {
            case Long number -> number;
            case Boolean flag -> flag ? 1 : 0;
            case Undefined undefined -> throw undefined.failure();
            case null, default -> throw TemplateException.failed(
                    "%s must be int, not %s".formatted(what, name(value)));
        };
    }

    /** Returns the items that a loop over the value goes through. */
    static List<@Nullable Object> items(@Nullable Object value) {
        return switch (value) {
            case List<?> list -> new ArrayList<@Nullable Object>(list);
            case Map<?, ?> map -> new ArrayList<@Nullable Object>(map.keySet());
            case String text -> new ArrayList<@Nullable Object>(
                    text.codePoints().mapToObj(Character::toString).toList());
            case Generated generated -> generated.rest();
            case View view -> new ArrayList<@Nullable Object>(view.items());
            case Undefined undefined -> new ArrayList<>();
            case Markup markup ->
                throw TemplateException.unsupported("going through text marked safe");
            case null, default -> throw TemplateException.failed(
                    "'" + name(value) + "' object is not iterable");
        };
    }

    static boolean iterable(@Nullable Object value) {
        return value instanceof List || value instanceof Map || value instanceof String
                || value instanceof Undefined || value instanceof Markup
                || value instanceof LoopState
                || value instanceof Generated || value instanceof View;
    }

    static long length(@Nullable Object value) {
        return switch (value) {
            case String text -> text.codePointCount(0, text.length());
            case Markup markup -> markup.text().codePointCount(0, markup.text().length());
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case View view -> view.items().size();
            case LoopState loop -> loop.length();
            case Undefined undefined -> 0;
            case null, default -> throw TemplateException.failed(
                    "object of type '" + name(value) + "' has no len()");
        };
    }

    static boolean isNumber(@Nullable Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean
                || value instanceof BigInteger;
    }
}
