package dev.flywheel.engine.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands after {@code |}. */
final class Filters {
    interface Function {
        @Nullable
        Object apply(@Nullable Object value, Arguments arguments, Runtime runtime);
    }

    private static final Map<String, Function> KNOWN = new HashMap<>();

    static {
        TextFilters.register(KNOWN);
        NumberFilters.register(KNOWN);
        ListFilters.register(KNOWN);
        SelectionFilters.register(KNOWN);
    }

    private Filters() {}

    static boolean knows(String name) {
        return KNOWN.containsKey(name);
    }

    static @Nullable Object apply(
            String name, @Nullable Object value, Arguments arguments, Runtime runtime) {
        Function filter = KNOWN.get(name);
        if (filter == null) {
            throw TemplateException.unsupported("filter '" + name + "'");
        }
        runtime.budget().step();
        return filter.apply(value, arguments, runtime);
    }
}
