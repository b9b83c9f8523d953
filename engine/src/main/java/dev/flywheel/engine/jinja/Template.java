package dev.flywheel.engine.jinja;

import java.math.BigInteger;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A template that was read and can be rendered.
 *
 * <p>Invariant: rendering gives what Jinja2's immutable sandbox gives with {@code trim_blocks} and
 * {@code lstrip_blocks}, and the functions and {@code tojson} of transformers, or a
 * {@link TemplateException}; it does no I/O and stays within its {@link Limits}.
 *
 * <p>Immutable and thread-safe.
 */
public final class Template {
    private static final int SOURCE_CHARS_MAX = 1 << 20;

    private final List<Statement> statements;
    private final Map<List<Statement>, Set<String>> unset;

    private Template(List<Statement> statements) {
        this.statements = statements;
        this.unset = FrameNames.of(statements);
    }

    /** Reads a template; refuses by name what it uses and is not supported. */
    public static Template parse(String source) {
        if (source.length() > SOURCE_CHARS_MAX) {
            throw TemplateException.limit(
                    "the chat template has %d characters, allowed are %d"
                            .formatted(source.length(), SOURCE_CHARS_MAX));
        }
        return new Template(TemplateParser.parse(source));
    }

    /**
     * Renders.
     *
     * @param variables text, numbers, booleans, null, lists, and maps with text as keys
     * @param now for {@code strftime_now}; asked only if the template asks
     */
    public String render(
            Map<String, ? extends @Nullable Object> variables, Supplier<ZonedDateTime> now,
            Limits limits) {
        Budget budget = new Budget(limits);
        Evaluator evaluator = new Evaluator(Runtime.of(budget), new Globals(budget, now));
        Scope scope = new Scope(null);
        variables.forEach((name, value) -> scope.set(name, checked(value, 0)));
        // As in Jinja2, a template's own names are a scope over what it was given.
        return new Renderer(budget, evaluator, unset).template(statements, scope);
    }

    /** Copies a value, so that only known kinds come in and integers are of one kind. */
    private static @Nullable Object checked(@Nullable Object value, int depth) {
        if (depth > 100) {
            throw TemplateException.limit("the values given to the template nest deeper than 100");
        }
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Boolean flag -> flag;
            case Integer number -> number.longValue();
            case Long number -> number;
            case BigInteger number ->
                number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
            case Double number -> number;
            case List<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>(list.size());
                list.forEach(item -> copy.add(checked(item, depth + 1)));
                yield copy;
            }
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> copy = new LinkedHashMap<>();
                map.forEach((key, item) -> copy.put(String.valueOf(key), checked(item, depth + 1)));
                yield copy;
            }
            default -> throw new IllegalArgumentException(
                    "template values are text, numbers, booleans, lists and maps, got "
                            + value.getClass());
        };
    }
}
