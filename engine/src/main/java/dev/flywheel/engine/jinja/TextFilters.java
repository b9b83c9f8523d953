package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Filters that make text. */
final class TextFilters {
    private static final Pattern WORD_BEGINNING =
            Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

    private TextFilters() {}

    static void register(Map<String, Filters.Function> filters) {
        plain(filters, "lower", text -> text.toLowerCase(Locale.ROOT));
        plain(filters, "upper", text -> text.toUpperCase(Locale.ROOT));
        plain(filters, "capitalize", TextMethods::capitalized);
        plain(filters, "title", TextFilters::titled);
        filters.put("string",
                (value, a, runtime) -> value instanceof Markup ? value : made(value, runtime));
        filters.put("safe", (value, a, runtime) -> new Markup(made(value, runtime)));
        filters.put("trim", (value, a, runtime) -> {
            Object chars = a.bind("trim", "chars").get("chars", null);
            return TextMethods.stripped(
                    soft(value), chars == null ? null : Kinds.text(chars, "trim argument"), true,
                    true);
        });
        filters.put("replace", (value, a, runtime) -> {
            Arguments.Bound bound = a.bind("replace", "old", "new", "count");
            Object count = bound.get("count", null);
            return new TextMethods(runtime.budget()).replaced(PythonText.str(value),
                    PythonText.str(bound.need("old")), PythonText.str(bound.need("new")),
                    count == null ? -1 : Kinds.integer(count, "replace count"));
        });
        filters.put("center", (value, a, runtime) -> {
            String text = soft(value);
            long length = Kinds.length(text);
            long missing = a.bind("center", "width").number("width", 80) - length;
            return new TextMethods(runtime.budget()).centered(text, missing, length, " ");
        });
        filters.put("format", (value, a, runtime) -> {
            if (!a.positional().isEmpty() && !a.named().isEmpty()) {
                throw TemplateException.failed(
                        "can't handle positional and keyword arguments at the same time");
            }
            return new PercentFormat(runtime.budget()).text(
                    soft(value), a.named().isEmpty() ? new Tuple(a.positional()) : a.named());
        });
        filters.put("join", TextFilters::joined);
        filters.put("indent", TextFilters::indented);
        filters.put("truncate", TextFilters::truncated);
        filters.put("wordcount",
                (value, a, runtime) -> WORD.matcher(soft(value)).results().count());
        filters.put("tojson", (value, a, runtime) -> PythonJson.text(value, a, runtime.budget()));
    }

    private static void plain(
            Map<String, Filters.Function> filters, String name,
            java.util.function.UnaryOperator<String> change) {
        filters.put(name, (value, a, runtime) -> {
            a.bind("filter '" + name + "'");
            return runtime.budget().made(change.apply(soft(value)));
        });
    }

    private static String made(@Nullable Object value, Runtime runtime) {
        return runtime.budget().made(PythonText.str(value));
    }

    /** The text of any value; what is marked safe stays out, for its filters escape. */
    private static String soft(@Nullable Object value) {
        if (value instanceof Markup) {
            throw TemplateException.unsupported("a filter on text marked safe");
        }
        return PythonText.str(value);
    }

    private static String titled(String text) {
        StringBuilder out = new StringBuilder();
        Matcher between = WORD_BEGINNING.matcher(text);
        int at = 0;
        while (between.find()) {
            word(text.substring(at, between.start()), out);
            out.append(between.group());
            at = between.end();
        }
        word(text.substring(at), out);
        return out.toString();
    }

    private static void word(String word, StringBuilder out) {
        if (!word.isEmpty()) {
            int first = word.offsetByCodePoints(0, 1);
            out.append(word.substring(0, first).toUpperCase(Locale.ROOT))
                    .append(word.substring(first).toLowerCase(Locale.ROOT));
        }
    }

    private static Object joined(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("join", "d", "attribute");
        String separator = PythonText.str(bound.get("d", ""));
        Object attribute = bound.get("attribute", null);
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Object item : Kinds.items(value)) {
            Object part =
                    attribute == null ? item : SelectionFilters.member(item, attribute, runtime);
            String text = runtime.budget().made((first ? "" : separator) + PythonText.str(part));
            out.append(text);
            first = false;
        }
        return out.toString();
    }

    private static Object indented(@Nullable Object value, Arguments arguments, Runtime runtime) {
        Arguments.Bound bound = arguments.bind("indent", "width", "first", "blank");
        Object width = bound.get("width", 4L);
        String indent = width instanceof String text
                ? text
                : new TextMethods(runtime.budget()).fill(" ", Kinds.integer(width, "indent width"));
        String text = Kinds.text(value, "the value indented") + "\n";
        List<@Nullable Object> lines = new ArrayList<>(TextMethods.lines(text, false));
        boolean blank = bound.flag("blank", false);
        StringBuilder out = new StringBuilder(bound.flag("first", false) ? indent : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = String.valueOf(lines.get(i));
            runtime.budget().characters(line.length() + (long) indent.length() + 1);
            out.append(i == 0 ? "" : "\n")
                    .append(i > 0 && (blank || !line.isEmpty()) ? indent : "")
                    .append(line);
        }
        return out.toString();
    }

    private static @Nullable Object truncated(@Nullable Object value, Arguments arguments,
            Runtime runtime) {
        Arguments.Bound bound = arguments.bind("truncate", "length", "killwords", "end", "leeway");
        if (value instanceof Undefined) {
            return value; // it is as short as no text
        }
        String text = Kinds.text(value, "the value truncated");
        String end = bound.text("end", "...");
        Object leeway = bound.get("leeway", null);
        long length = bound.number("length", 255);
        if (Kinds.length(text)
                <= length + (leeway == null ? 5 : Kinds.integer(leeway, "truncate leeway"))) {
            return text;
        }
        if (length < Kinds.length(end)) {
            throw TemplateException
                    .failed("expected length >= " + Kinds.length(end) + ", got " + length);
        }
        String cut =
                text.substring(0, text.offsetByCodePoints(0, (int) (length - Kinds.length(end))));
        int lastBlank = cut.lastIndexOf(' ');
        return (bound.flag("killwords", false) || lastBlank < 0 ? cut : cut.substring(0, lastBlank))
                + end;
    }
}
