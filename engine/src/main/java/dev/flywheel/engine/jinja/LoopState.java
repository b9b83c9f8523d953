package dev.flywheel.engine.jinja;

import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The name {@code loop}: where a loop is. Called, it runs a recursive loop's body over other items. */
final class LoopState implements Callable {
    private final List<@Nullable Object> items;
    private final int depth;
    private final @Nullable BiFunction<@Nullable Object, Integer, String> recursion;
    private int index;
    private @Nullable List<@Nullable Object> lastChanged;

    LoopState(
            List<@Nullable Object> items,
            int depth,
            @Nullable BiFunction<@Nullable Object, Integer, String> recursion) {
        this.items = items;
        this.depth = depth;
        this.recursion = recursion;
    }

    void moveTo(int newIndex) {
        index = newIndex;
    }

    long length() {
        return items.size();
    }

    @Override
    public @Nullable Object call(Arguments arguments) {
        if (recursion == null) {
            throw TemplateException.failed(
                    "The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.apply(arguments.bind("loop", "iterable").need("iterable"), depth + 1);
    }

    @Nullable
    Object member(String name) {
        return switch (name) {
            case "index" -> (long) index + 1;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> (long) items.size() - index - 1;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> (long) depth;
            case "depth0" -> (long) depth - 1;
            case "previtem" ->
                index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" -> index + 1 < items.size()
                    ? items.get(index + 1)
                    : new Undefined("there is no next item");
            case "cycle" -> (Callable) this::cycle;
            case "changed" -> (Callable) this::changed;
            default -> Undefined.member(name, this);
        };
    }

    private @Nullable Object cycle(Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw TemplateException.failed("no items for cycling given");
        }
        return arguments.positional().get(index % arguments.positional().size());
    }

    private Object changed(Arguments arguments) {
        List<@Nullable Object> now = arguments.positional();
        boolean changed = lastChanged == null || !Operators.equal(lastChanged, now);
        lastChanged = Objects.requireNonNull(now);
        return changed;
    }
}
