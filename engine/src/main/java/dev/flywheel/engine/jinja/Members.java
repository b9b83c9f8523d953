package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands behind {@code a.b}, {@code a['b']} and {@code a[1:2]}. */
final class Members {
    private final Operators operators;
    private final TextMethods texts;

    Members(Operators operators, Budget budget) {
        this.operators = operators;
        this.texts = new TextMethods(budget);
    }

    /** {@code a.b}: a method of the value's kind first, then an entry. */
    @Nullable
    Object attribute(@Nullable Object of, String name) {
        if (of instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Object method = method(of, name);
        if (method != null) {
            return method;
        }
        return switch (of) {
            case Map<?, ?> map when map.containsKey(name) -> map.get(name);
            case Namespace namespace when namespace.values().containsKey(name) ->
                namespace.values().get(name);
            case LoopState loop -> loop.member(name);
            case Macro macro -> macro.member(name);
            case null, default -> missing(of, name);
        };
    }

    private static Undefined missing(@Nullable Object of, Object key) {
        return Undefined.member(key, of);
    }

    /** {@code a[b]}: an entry first, then a method. */
    @Nullable
    Object item(@Nullable Object of, @Nullable Object key) {
        if (of instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (key instanceof Undefined undefined && !(of instanceof Map)) {
            throw undefined.failure();
        }
        if (of instanceof Map<?, ?> map) {
            // What cannot be a key is in no map; Jinja2 does not call that an error.
            Object hashed =
                    key instanceof List || key instanceof Map ? null : Operators.hashable(key);
            if ((hashed != null || key == null) && map.containsKey(hashed)) {
                return map.get(hashed);
            }
        } else if (key instanceof Long || key instanceof Boolean) {
            return element(of, Kinds.integer(key, "index"));
        }
        if (key instanceof String name && !(of instanceof Map)) {
            return attribute(of, name);
        }
        Object method = key instanceof String name ? method(of, name) : null;
        return method != null ? method : missing(of, key == null ? "None" : key);
    }

    private static @Nullable Object element(@Nullable Object of, long index) {
        if (of instanceof List<?> list) {
            long at = index < 0 ? index + list.size() : index;
            return at >= 0 && at < list.size() ? list.get((int) at) : missing(of, index);
        }
        if (of instanceof String text) {
            long length = Kinds.length(text);
            long at = index < 0 ? index + length : index;
            if (at < 0 || at >= length) {
                return missing(of, index);
            }
            return Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at)));
        }
        return missing(of, index);
    }

    private @Nullable Callable method(@Nullable Object of, String name) {
        return switch (of) {
            case String text -> texts.method(text, name);
            case Map<?, ?> map -> mapMethod(map, name);
            case List<?> list -> listMethod(list, name);
            case null, default -> null;
        };
    }

    private static @Nullable Callable mapMethod(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" -> arguments -> {
                Arguments.Bound bound = arguments.bind("get", "key", "default");
                Object key = Operators.hashable(bound.need("key"));
                return map.containsKey(key) ? map.get(key) : bound.get("default", null);
            };
            case "items" -> arguments -> new View("dict_items", entries(map));
            case "keys" ->
                arguments -> new View("dict_keys", new ArrayList<@Nullable Object>(map.keySet()));
            case "values" ->
                arguments -> new View("dict_values", new ArrayList<@Nullable Object>(map.values()));
            case "copy" -> arguments -> new LinkedHashMap<Object, @Nullable Object>(map);
            case "clear", "pop", "popitem", "setdefault", "update" -> unsafe(name, "dict");
            default -> null;
        };
    }

    static List<@Nullable Object> entries(Map<?, ?> map) {
        List<@Nullable Object> entries = new ArrayList<>();
        map.forEach((key, value) -> {
            List<@Nullable Object> pair = new ArrayList<>();
            pair.add(key);
            pair.add(value);
            entries.add(new Tuple(pair));
        });
        return entries;
    }

    private @Nullable Callable listMethod(List<?> list, String name) {
        return switch (name) {
            case "count" -> arguments -> {
                Object wanted = arguments.bind("count", "value").need("value");
                return list.stream().filter(item -> Operators.equal(item, wanted)).count();
            };
            case "index" -> arguments -> {
                Object wanted = arguments.bind("index", "value").need("value");
                for (int i = 0; i < list.size(); i++) {
                    if (operators.compared("==", list.get(i), wanted)) {
                        return (long) i;
                    }
                }
                throw TemplateException.failed(PythonText.repr(wanted) + " is not in list");
            };
            case "copy" -> list instanceof Tuple || list instanceof Range ? null
                    : arguments -> new ArrayList<@Nullable Object>(list);
            case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort" ->
                list instanceof Tuple || list instanceof Range ? null : unsafe(name, "list");
            default -> null;
        };
    }

    private static Callable unsafe(String method, String kind) {
        return arguments -> {
            throw TemplateException.failed(
                    "access to attribute '%s' of '%s' object is unsafe.".formatted(method, kind));
        };
    }

    /** {@code a[begin:end:step]}, by Python's rules for what lies outside. */
    @Nullable
    Object slice(@Nullable Object of, @Nullable Object begin, @Nullable Object end,
            @Nullable Object step) {
        if (of instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (of instanceof String text) {
            List<@Nullable Object> characters = Kinds.items(text);
            StringBuilder out = new StringBuilder();
            sliced(characters, places(characters.size(), begin, end, step)).forEach(out::append);
            return out.toString();
        }
        if (of instanceof List<?> list) {
            Range places = places(list.size(), begin, end, step);
            if (list instanceof Range range) {
                return range.sliced(places);
            }
            List<@Nullable Object> out = sliced(list, places);
            return of instanceof Tuple ? new Tuple(out) : out;
        }
        if (of instanceof Markup) {
            throw TemplateException.unsupported("a part of text marked safe");
        }
        throw TemplateException.failed(of instanceof Map
                ? "unhashable type: 'slice'"
                : "'%s' object is not subscriptable".formatted(Kinds.name(of)));
    }

    private static List<@Nullable Object> sliced(List<?> items, Range places) {
        List<@Nullable Object> out = new ArrayList<>();
        places.forEach(at -> out.add(items.get(((Long) at).intValue())));
        return out;
    }

    /** Returns which places a slice takes of so many. */
    private static Range places(
            int size, @Nullable Object begin, @Nullable Object end, @Nullable Object step) {
        long stride = step == null ? 1 : Kinds.integer(step, "slice step");
        if (stride == 0) {
            throw TemplateException.failed("slice step cannot be zero");
        }
        long low = stride > 0 ? 0 : -1;
        long high = stride > 0 ? size : size - 1;
        long from = begin == null ? (stride > 0 ? low : high) : bounded(begin, size, low, high);
        long to = end == null ? (stride > 0 ? high : low) : bounded(end, size, low, high);
        return new Range(from, to, stride);
    }

    private static long bounded(Object index, int size, long low, long high) {
        long at = Kinds.integer(index, "slice index");
        return Math.clamp(at < 0 ? at + size : at, low, high);
    }
}
