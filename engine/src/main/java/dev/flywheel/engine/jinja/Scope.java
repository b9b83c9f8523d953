package dev.flywheel.engine.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names and their values, over those of the scope around. Setting a name never reaches outwards. */
final class Scope {
    private final @Nullable Scope outer;
    private final Map<String, @Nullable Object> values = new HashMap<>();

    Scope(@Nullable Scope outer) {
        this.outer = outer;
    }

    void set(String name, @Nullable Object value) {
        values.put(name, value);
    }

    /** Returns the nearest scope that holds the name, or null. */
    @Nullable
    Scope holding(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            if (scope.values.containsKey(name)) {
                return scope;
            }
        }
        return null;
    }

    @Nullable
    Object own(String name) {
        return values.get(name);
    }
}
