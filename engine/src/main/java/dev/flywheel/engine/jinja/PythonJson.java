package dev.flywheel.engine.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values as Python's {@code json.dumps} writes them. */
final class PythonJson {
    private static final int DEPTH_MAX = 200;

    private final boolean ascii;
    private final @Nullable String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sorted;
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();

    private PythonJson(Arguments.Bound options, Budget budget) {
        this.ascii = options.flag("ensure_ascii", false);
        this.indent = indent(options.get("indent", null));
        this.sorted = options.flag("sort_keys", false);
        this.budget = budget;
        if (options.get("separators", null) instanceof List<?> pair && pair.size() == 2) {
            this.itemSeparator = Kinds.text(pair.get(0), "tojson separator");
            this.keySeparator = Kinds.text(pair.get(1), "tojson separator");
        } else if (options.get("separators", null) != null) {
            throw TemplateException.failed("tojson separators must be a pair of str");
        } else {
            this.itemSeparator = indent == null ? ", " : ",";
            this.keySeparator = ": ";
        }
    }

    static String text(@Nullable Object value, Arguments arguments, Budget budget) {
        PythonJson json = new PythonJson(
                arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"),
                budget);
        json.write(value, 0);
        return json.out.toString();
    }

    private static @Nullable String indent(@Nullable Object option) {
        if (option == null || option instanceof String) {
            return (String) option;
        }
        long width = Kinds.integer(option, "tojson indent");
        if (width > 64) {
            throw TemplateException.limit("tojson indent is " + width + ", allowed is up to 64");
        }
        return " ".repeat((int) Math.max(0, width));
    }

    private void write(@Nullable Object value, int depth) {
        budget.step();
        if (depth > DEPTH_MAX) {
            throw TemplateException.limit("tojson met values nested deeper than " + DEPTH_MAX);
        }
        int from = out.length();
        switch (value) {
            case null -> out.append("null");
            case String text -> quoted(text);
            case Markup markup -> quoted(markup.text());
            case Boolean flag -> out.append(flag ? "true" : "false");
            case Long number -> out.append(number.longValue());
            case BigInteger number -> out.append(number);
            case Double number -> out.append(number(number));
            case List<?> list when !(list instanceof Range) -> list(list, depth);
            case Map<?, ?> map -> map(map, depth);
            default -> throw TemplateException.failed(
                    "Object of type " + Kinds.name(value) + " is not JSON serializable");
        }
        if (!(value instanceof List) && !(value instanceof Map)) {
            budget.characters(out.length() - from);
        }
    }

    private static String number(double value) {
        String text = PythonText.number(value);
        return switch (text) {
            case "nan" -> "NaN";
            case "inf" -> "Infinity";
            case "-inf" -> "-Infinity";
            default -> text;
        };
    }

    private void list(List<?> list, int depth) {
        if (list.isEmpty()) {
            out.append("[]");
            return;
        }
        String before = "[";
        for (Object item : list) {
            out.append(before);
            newLine(depth + 1);
            write(item, depth + 1);
            before = itemSeparator;
        }
        newLine(depth);
        out.append(']');
    }

    private void map(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort(Comparator.comparing(Map.Entry::getKey, Operators::compare));
        }
        String before = "{";
        for (Map.Entry<?, ?> entry : entries) {
            out.append(before);
            newLine(depth + 1);
            quoted(key(entry.getKey()));
            out.append(keySeparator);
            write(entry.getValue(), depth + 1);
            before = itemSeparator;
        }
        newLine(depth);
        out.append('}');
    }

    private static String key(@Nullable Object key) {
        return switch (key) {
            case String text -> text;
            case null -> "null";
            case Boolean flag -> flag ? "true" : "false";
            case Long number -> number.toString();
            case BigInteger number -> number.toString();
            case Double number -> number(number);
            default -> throw TemplateException.failed(
                    "keys must be str, int, float, bool or None, not " + Kinds.name(key));
        };
    }

    private void newLine(int depth) {
        if (indent != null) {
            budget.characters(1 + (long) depth * indent.length());
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void quoted(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20 || ascii && c > 0x7F) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
