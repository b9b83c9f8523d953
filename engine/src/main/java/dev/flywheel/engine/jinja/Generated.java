package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What filters like {@code map} give: always true, without a length, and gone through once. */
final class Generated {
    private final List<@Nullable Object> items;
    private int at;

    Generated(List<@Nullable Object> items) {
        this.items = items;
    }

    boolean hasNext() {
        return at < items.size();
    }

    @Nullable
    Object next() {
        return items.get(at++);
    }

    List<@Nullable Object> rest() {
        List<@Nullable Object> rest = new ArrayList<>(items.subList(at, items.size()));
        at = items.size();
        return rest;
    }
}
