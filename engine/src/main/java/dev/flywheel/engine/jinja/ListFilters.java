package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters on lists and maps as a whole. */
final class ListFilters {
    private ListFilters() {}

    static void register(Map<String, Filters.Function> filters) {
        filters.put("length", (value, a, runtime) -> Kinds.length(value));
        filters.put("count", (value, a, runtime) -> Kinds.length(value));
        filters.put("list", (value, a, runtime) -> counted(value, runtime));
        filters.put("items", (value, a, runtime) -> switch (value) {
            case Undefined undefined -> new Generated(new ArrayList<>());
            case Map<?, ?> map -> new Generated(Members.entries(map));
            case null, default ->
                throw TemplateException.failed("Can only get item pairs from a mapping.");
        });
        filters.put("first", (value, a, runtime) -> first(value));
        filters.put("last", (value, a, runtime) -> {
            if (value instanceof Generated) {
                throw TemplateException.failed("'generator' object is not reversible");
            }
            List<@Nullable Object> items = Kinds.items(value);
            return items.isEmpty()
                    ? new Undefined("No last item, sequence was empty.")
                    : items.get(items.size() - 1);
        });
        filters.put("reverse", ListFilters::reversed);
        filters.put("default", ListFilters::otherwise);
        filters.put("d", ListFilters::otherwise);
        filters.put("sort", ListFilters::sorted);
        filters.put("dictsort", ListFilters::sortedEntries);
        filters.put("unique", ListFilters::unique);
        filters.put("min", (value, a, runtime) -> extreme(value, a, runtime, -1));
        filters.put("max", (value, a, runtime) -> extreme(value, a, runtime, 1));
        filters.put("sum", ListFilters::sum);
        filters.put("batch", ListFilters::batches);
    }

    private static List<@Nullable Object> counted(@Nullable Object value, Runtime runtime) {
        List<@Nullable Object> items = Kinds.items(value);
        runtime.budget().steps(items.size());
        return items;
    }

    private static @Nullable Object first(@Nullable Object value) {
        if (value instanceof Generated generated && generated.hasNext()) {
            return generated.next();
        }
        List<@Nullable Object> items = Kinds.items(value);
        return items.isEmpty() ? new Undefined("No first item, sequence was empty.") : items.get(0);
    }

    private static Object reversed(@Nullable Object value, Arguments arguments, Runtime runtime) {
        if (value instanceof String text) {
            return runtime.budget().made(new StringBuilder(text).reverse().toString());
        }
        if (!(value instanceof List) && !(value instanceof Map) && !(value instanceof View)) {
            throw TemplateException.failed("argument must be iterable");
        }
        List<@Nullable Object> items = counted(value, runtime);
        Collections.reverse(items);
        return new Generated(items);
    }

    private static @Nullable Object otherwise(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Arguments.Bound bound = arguments.bind("default", "default_value", "boolean");
        boolean replaced =
                value instanceof Undefined || bound.flag("boolean", false) && !Kinds.truth(value);
        return replaced ? bound.get("default_value", "") : value;
    }

    /** What items are ordered by: an attribute, and text without regard to case unless told otherwise. */
    private static @Nullable Object key(
            @Nullable Object item, @Nullable Object attribute, boolean caseSensitive,
            Runtime runtime) {
        Object key = attribute == null ? item : SelectionFilters.member(item, attribute, runtime);
        return key instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : key;
    }

    /** One key for each attribute of a list such as {@code a,b.c}, to be compared one after the other. */
    private static List<@Nullable Object> keys(@Nullable Object item, @Nullable Object attribute,
            boolean caseSensitive, Runtime runtime) {
        List<@Nullable Object> keys = new ArrayList<>();
        if (attribute instanceof String names) {
            for (String name : names.split(",", -1)) {
                keys.add(key(item, name, caseSensitive, runtime));
            }
        } else {
            keys.add(key(item, attribute, caseSensitive, runtime));
        }
        return keys;
    }

    private static Object sorted(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
        Object attribute = bound.get("attribute", null);
        boolean cased = bound.flag("case_sensitive", false);
        return ordered(counted(value, runtime), bound.flag("reverse", false),
                item -> keys(item, attribute, cased, runtime));
    }

    private static List<@Nullable Object> ordered(List<@Nullable Object> items, boolean reverse,
            java.util.function.Function<@Nullable Object, @Nullable Object> key) {
        Comparator<@Nullable Object> order =
                (a, b) -> Operators.compare(key.apply(a), key.apply(b));
        items.sort(reverse ? order.reversed() : order); // Both keep equal items in order, as Python does.
        return items;
    }

    private static Object sortedEntries(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Arguments.Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
        String by = bound.text("by", "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw TemplateException.failed("You can only sort by either \"key\" or \"value\"");
        }
        if (!(value instanceof Map<?, ?> map)) {
            throw TemplateException
                    .failed("'" + Kinds.name(value) + "' object has no attribute 'items'");
        }
        boolean cased = bound.flag("case_sensitive", false);
        runtime.budget().steps(map.size());
        return ordered(Members.entries(map), bound.flag("reverse", false),
                entry -> key(entry, by.equals("key") ? 0L : 1L, cased, runtime));
    }

    private static Object unique(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
        boolean cased = bound.flag("case_sensitive", false);
        java.util.Set<@Nullable Object> seen = new java.util.HashSet<>();
        List<@Nullable Object> out = new ArrayList<>();
        for (Object item : counted(value, runtime)) {
            if (seen.add(
                    Operators.hashable(key(item, bound.get("attribute", null), cased, runtime)))) {
                out.add(item);
            }
        }
        return new Generated(out);
    }

    private static @Nullable Object extreme(
            @Nullable Object value, Arguments arguments, Runtime runtime, int sign) {
        Arguments.Bound bound =
                arguments.bind(sign < 0 ? "min" : "max", "case_sensitive", "attribute");
        boolean cased = bound.flag("case_sensitive", false);
        Object attribute = bound.get("attribute", null);
        List<@Nullable Object> items = counted(value, runtime);
        if (items.isEmpty()) {
            return new Undefined("No aggregated item, sequence was empty.");
        }
        Object best = items.get(0);
        for (Object item : items) {
            int order = Operators.compare(key(item, attribute, cased, runtime),
                    key(best, attribute, cased, runtime));
            best = order * sign > 0 ? item : best;
        }
        return best;
    }

    private static @Nullable Object sum(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Arguments.Bound bound = arguments.bind("sum", "attribute", "start");
        Object attribute = bound.get("attribute", null);
        Object sum = bound.get("start", 0L);
        for (Object item : counted(value, runtime)) {
            Object part =
                    attribute == null ? item : SelectionFilters.member(item, attribute, runtime);
            sum = runtime.operators().arithmetic("+", sum, part);
        }
        return sum;
    }

    private static Object batches(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("batch", "linecount", "fill_with");
        long size = Kinds.integer(bound.need("linecount"), "batch size");
        Object fill = bound.get("fill_with", null);
        List<@Nullable Object> out = new ArrayList<>();
        List<@Nullable Object> batch = new ArrayList<>();
        for (Object item : counted(value, runtime)) {
            if (batch.size() == size) {
                out.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        while (fill != null && !batch.isEmpty() && batch.size() < size) {
            runtime.budget().step();
            batch.add(fill);
        }
        if (!batch.isEmpty()) {
            out.add(batch);
        }
        return new Generated(out);
    }
}
