package dev.flywheel.engine.jinja;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values that loops and blocks may change from within. */
final class Namespace {
    private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

    Map<String, @Nullable Object> values() {
        return values;
    }
}
