package dev.flywheel.engine.jinja;

import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Names that every template has: Jinja2's functions and the two that transformers adds. */
final class Globals {
    private static final int RANGE_MAX = 100_000;
    private static final long BOUND_MAX = 1L << 60;
    private static final Set<String> LEFT_OUT = Set.of("cycler", "lipsum");

    private final Map<String, Callable> functions;

    Globals(Budget budget, Supplier<ZonedDateTime> now) {
        this.functions = Map.of(
                "range", arguments -> range(arguments, budget),
                "dict", Globals::dict,
                "namespace", Globals::namespace,
                "joiner", Globals::joiner,
                "raise_exception", Globals::raise,
                "strftime_now", arguments -> Strftime.text(
                        arguments.bind("strftime_now", "format").text("format"), now.get()));
    }

    @Nullable
    Callable find(String name) {
        if (LEFT_OUT.contains(name)) {
            throw TemplateException.unsupported("function '" + name + "'");
        }
        return functions.get(name);
    }

    private static Object range(Arguments arguments, Budget budget) {
        List<@Nullable Object> given = arguments.positional();
        if (given.isEmpty() || given.size() > 3 || !arguments.named().isEmpty()) {
            throw TemplateException.failed("range expected 1 to 3 arguments, got " + given.size());
        }
        long from = given.size() == 1 ? 0 : Kinds.integer(given.get(0), "range start");
        long to = Kinds.integer(given.get(given.size() == 1 ? 0 : 1), "range end");
        long step = given.size() < 3 ? 1 : Kinds.integer(given.get(2), "range step");
        if (step == 0) {
            throw TemplateException.failed("range() arg 3 must not be zero");
        }
        if (Math.max(Math.abs(from), Math.max(Math.abs(to), Math.abs(step))) > BOUND_MAX) {
            throw TemplateException.unsupported("a range with a bound beyond " + BOUND_MAX);
        }
        if (Range.size(from, to, step) > RANGE_MAX) {
            throw TemplateException.failed(
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE ("
                            + RANGE_MAX + ").");
        }
        budget.steps(Range.size(from, to, step));
        return new Range(from, to, step);
    }

    private static Map<Object, @Nullable Object> dict(Arguments arguments) {
        Map<Object, @Nullable Object> out = new LinkedHashMap<>();
        for (Object given : arguments.positional()) {
            if (given instanceof Map<?, ?> map) {
                map.forEach((key, value) -> out.put(key, value));
            } else {
                for (Object pair : Kinds.items(given)) {
                    List<@Nullable Object> two = Kinds.items(pair);
                    if (two.size() != 2) {
                        throw TemplateException
                                .failed("dictionary update sequence element has no length 2");
                    }
                    out.put(String.valueOf(Operators.hashable(two.get(0))), two.get(1));
                }
            }
        }
        out.putAll(arguments.named());
        return out;
    }

    private static Namespace namespace(Arguments arguments) {
        Namespace namespace = new Namespace();
        dict(arguments).forEach((key, value) -> namespace.values().put(String.valueOf(key), value));
        return namespace;
    }

    private static Callable joiner(Arguments arguments) {
        String separator = arguments.bind("joiner", "sep").text("sep", ", ");
        boolean[] used = new boolean[1];
        return ignored -> {
            String now = used[0] ? separator : "";
            used[0] = true;
            return now;
        };
    }

    private static Object raise(Arguments arguments) {
        throw new TemplateException(
                TemplateException.Kind.RAISED,
                PythonText.str(arguments.bind("raise_exception", "message").need("message")));
    }
}
