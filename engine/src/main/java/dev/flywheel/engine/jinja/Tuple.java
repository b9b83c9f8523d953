package dev.flywheel.engine.jinja;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A list that is written with round brackets and equals no other list. */
final class Tuple extends AbstractList<@Nullable Object> {
    private final List<@Nullable Object> items;

    Tuple(List<? extends @Nullable Object> items) {
        this.items = new ArrayList<>(items);
    }

    @Override
    public @Nullable Object get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }
}
