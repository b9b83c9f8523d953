package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters that apply another filter or a test to each item. */
final class SelectionFilters {
    private SelectionFilters() {}

    static void register(Map<String, Filters.Function> filters) {
        filters.put("map", SelectionFilters::mapped);
        filters.put("select", (value, a, runtime) -> chosen(value, a, runtime, false, true));
        filters.put("reject", (value, a, runtime) -> chosen(value, a, runtime, false, false));
        filters.put("selectattr", (value, a, runtime) -> chosen(value, a, runtime, true, true));
        filters.put("rejectattr", (value, a, runtime) -> chosen(value, a, runtime, true, false));
    }

    /** The member that an attribute such as {@code a.b.0} names. */
    static @Nullable Object member(@Nullable Object item, @Nullable Object attribute,
            Runtime runtime) {
        return member(item, attribute, null, runtime);
    }

    /** The same, with what stands for a member that is not there, on the way as at the end. */
    private static @Nullable Object member(@Nullable Object item, @Nullable Object attribute,
            @Nullable Object otherwise, Runtime runtime) {
        if (attribute == null) {
            return item;
        }
        Object value = item;
        for (Object key : keys(attribute)) {
            value = runtime.members().item(value, key);
            value = value instanceof Undefined && otherwise != null ? otherwise : value;
        }
        return value;
    }

    private static List<Object> keys(Object attribute) {
        if (!(attribute instanceof String path)) {
            return List.of(attribute);
        }
        List<Object> keys = new ArrayList<>();
        for (String part : path.split("\\.", -1)) {
            keys.add(part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part);
        }
        return keys;
    }

    private static Object mapped(@Nullable Object value, Arguments arguments, Runtime runtime) {
        List<@Nullable Object> out = new ArrayList<>();
        if (!Kinds.truth(value)) {
            return new Generated(out); // of none and the like too: Jinja2 looks no further
        }
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Arguments.Bound bound = arguments.bind("map", "attribute", "default");
            for (Object item : Kinds.items(value)) {
                runtime.budget().step();
                out.add(member(item, bound.need("attribute"), bound.get("default", null),
                        runtime));
            }
            return new Generated(out);
        }
        if (arguments.positional().isEmpty()) {
            throw TemplateException.failed("map requires a filter argument");
        }
        String name = Kinds.text(arguments.positional().get(0), "the filter mapped");
        Arguments rest = rest(arguments, 1);
        for (Object item : Kinds.items(value)) {
            out.add(Filters.apply(name, item, rest, runtime));
        }
        return new Generated(out);
    }

    private static Arguments rest(Arguments arguments, int from) {
        List<@Nullable Object> positional = arguments.positional();
        return new Arguments(
                positional.subList(Math.min(from, positional.size()), positional.size()),
                new LinkedHashMap<>(arguments.named()));
    }

    private static Object chosen(
            @Nullable Object value, Arguments arguments, Runtime runtime, boolean byAttribute,
            boolean wanted) {
        if (!Kinds.truth(value)) {
            return new Generated(new ArrayList<>());
        }
        int testAt = byAttribute ? 1 : 0;
        if (byAttribute && arguments.positional().isEmpty()) {
            throw TemplateException.failed("Missing parameter for attribute name");
        }
        Object attribute = byAttribute ? arguments.positional().get(0) : null;
        boolean hasTest = arguments.positional().size() > testAt;
        String test = hasTest ? Kinds.text(arguments.positional().get(testAt), "the test") : "";
        Arguments rest = rest(arguments, testAt + 1);
        List<@Nullable Object> out = new ArrayList<>();
        for (Object item : Kinds.items(value)) {
            runtime.budget().step();
            Object judged = byAttribute ? member(item, attribute, runtime) : item;
            boolean holds =
                    hasTest ? Tests.answer(test, judged, rest, runtime) : Kinds.truth(judged);
            if (holds == wanted) {
                out.add(item);
            }
        }
        return new Generated(out);
    }
}
