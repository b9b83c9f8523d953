package dev.flywheel.engine.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of text. */
final class TextMethods {
    /** Methods of Python's str that no chat template was seen to need. */
    private static final Set<String> LEFT_OUT =
            Set.of("casefold", "encode", "format_map", "isidentifier", "isprintable", "maketrans",
                    "translate", "expandtabs");

    private final Budget budget;

    TextMethods(Budget budget) {
        this.budget = budget;
    }

    @Nullable
    Callable method(String text, String name) {
        Callable method = change(text, name);
        method = method != null ? method : search(text, name);
        method = method != null ? method : cut(text, name);
        method = method != null ? method : question(text, name);
        if (method == null && LEFT_OUT.contains(name)) {
            throw TemplateException.unsupported("the method '" + name + "' of str");
        }
        return method;
    }

    private @Nullable Callable change(String text, String name) {
        return switch (name) {
            case "strip" -> a -> stripped(text, a.bind(name, "chars"), true, true);
            case "lstrip" -> a -> stripped(text, a.bind(name, "chars"), true, false);
            case "rstrip" -> a -> stripped(text, a.bind(name, "chars"), false, true);
            case "lower" -> a -> none(a, name, text.toLowerCase(Locale.ROOT));
            case "upper" -> a -> none(a, name, text.toUpperCase(Locale.ROOT));
            case "capitalize" -> a -> none(a, name, capitalized(text));
            case "title" -> a -> none(a, name, titled(text));
            case "swapcase" -> a -> none(a, name, swapped(text));
            case "replace" -> a -> replaced(text, a.bind(name, "old", "new", "count"));
            case "join" -> a -> joined(text, a.bind(name, "iterable").need("iterable"));
            case "removeprefix" -> a -> {
                String prefix = a.bind(name, "prefix").text("prefix");
                return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            };
            case "removesuffix" -> a -> {
                String suffix = a.bind(name, "suffix").text("suffix");
                return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length())
                        : text;
            };
            case "center", "ljust", "rjust" ->
                a -> justified(text, name, a.bind(name, "width", "fillchar"));
            case "zfill" -> a -> {
                int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
                long missing = a.bind(name, "width").number("width", 0) - Kinds.length(text);
                return text.substring(0, sign) + fill("0", missing) + text.substring(sign);
            };
            case "format" -> a -> new BraceFormat(budget).text(text, a);
            default -> null;
        };
    }

    private static String none(Arguments arguments, String name, String result) {
        arguments.bind(name);
        return result;
    }

    private @Nullable Callable search(String text, String name) {
        return switch (name) {
            case "startswith" -> a -> {
                TextWindow in = TextWindow.of(text, a.bind(name, "prefix", "start", "end"));
                return affix(in.wanted(), part -> in.any() && in.text().startsWith(part));
            };
            case "endswith" -> a -> {
                TextWindow in = TextWindow.of(text, a.bind(name, "suffix", "start", "end"));
                return affix(in.wanted(), part -> in.any() && in.text().endsWith(part));
            };
            case "find" -> a -> within(text, a, name).first();
            case "rfind" -> a -> within(text, a, name).last();
            case "index" -> a -> found(within(text, a, name).first());
            case "rindex" -> a -> found(within(text, a, name).last());
            case "count" -> a -> {
                TextWindow in = within(text, a, name);
                String part = in.part();
                if (part.isEmpty()) {
                    return in.any() ? Kinds.length(in.text()) + 1 : 0L;
                }
                return (long) pieces(in.text(), part, -1).size() - 1;
            };
            default -> null;
        };
    }

    private static boolean affix(@Nullable Object affix,
            java.util.function.Predicate<String> matches) {
        return affix instanceof Tuple tuple
                ? tuple.stream().anyMatch(one -> matches.test(Kinds.text(one, "affix")))
                : matches.test(Kinds.text(affix, "affix"));
    }

    private static TextWindow within(String text, Arguments arguments, String method) {
        return TextWindow.of(text, arguments.bind(method, "sub", "start", "end"));
    }

    private static long found(long place) {
        if (place < 0) {
            throw TemplateException.failed("substring not found");
        }
        return place;
    }

    private @Nullable Callable cut(String text, String name) {
        return switch (name) {
            case "split" -> a -> split(text, a.bind(name, "sep", "maxsplit"), false);
            case "rsplit" -> a -> split(text, a.bind(name, "sep", "maxsplit"), true);
            case "splitlines" -> a -> lines(text, a.bind(name, "keepends").flag("keepends", false));
            case "partition" -> a -> {
                String sep = separator(a.bind(name, "sep").text("sep"));
                int at = text.indexOf(sep);
                return at < 0 ? tuple(text, "", "") : around(text, sep, at);
            };
            case "rpartition" -> a -> {
                String sep = separator(a.bind(name, "sep").text("sep"));
                int at = text.lastIndexOf(sep);
                return at < 0 ? tuple("", "", text) : around(text, sep, at);
            };
            default -> null;
        };
    }

    private static Tuple around(String text, String sep, int at) {
        return tuple(text.substring(0, at), sep, text.substring(at + sep.length()));
    }

    private static Tuple tuple(String... parts) {
        return new Tuple(List.of(parts));
    }

    private static String separator(String separator) {
        if (separator.isEmpty()) {
            throw TemplateException.failed("empty separator");
        }
        return separator;
    }

    private @Nullable Callable question(String text, String name) {
        return switch (name) {
            case "isspace" -> a -> all(text, PythonSpace::is);
            case "isalpha" -> a -> all(text, Character::isLetter);
            case "isalnum" -> a -> all(text, c -> Character.isLetter(c) || isNumeric(c));
            case "isdecimal" -> a -> all(text, Character::isDigit);
            case "isdigit" ->
                a -> all(known(text, name, Character.OTHER_NUMBER), Character::isDigit);
            case "isnumeric" ->
                a -> all(known(text, name, Character.OTHER_LETTER), TextMethods::isNumeric);
            case "isascii" -> a -> text.chars().allMatch(c -> c < 0x80);
            case "islower" -> a -> hasCase(text) && text.equals(text.toLowerCase(Locale.ROOT));
            case "isupper" -> a -> hasCase(text) && text.equals(text.toUpperCase(Locale.ROOT));
            case "istitle" -> a -> hasCase(text) && text.equals(titled(text));
            default -> null;
        };
    }

    /** Some characters of a kind count as digits or numbers in Python; which ones, is not known here. */
    private static String known(String text, String method, byte kind) {
        if (text.codePoints().anyMatch(c -> Character.getType(c) == kind)) {
            throw TemplateException.unsupported("'" + method + "' of such text");
        }
        return text;
    }

    private static boolean all(String text, IntPredicate property) {
        return !text.isEmpty() && text.codePoints().allMatch(property);
    }

    private static boolean isNumeric(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.DECIMAL_DIGIT_NUMBER || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    static boolean hasCase(String text) {
        return text.codePoints()
                .anyMatch(
                        c -> Character.isUpperCase(c) || Character.isLowerCase(c)
                                || Character.isTitleCase(c));
    }

    private static String stripped(String text, Arguments.Bound options, boolean left,
            boolean right) {
        Object chars = options.get("chars", null);
        return stripped(text, chars == null ? null : Kinds.text(chars, "strip argument"), left,
                right);
    }

    static String stripped(String text, @Nullable String chars, boolean left, boolean right) {
        IntPredicate goes = chars == null ? PythonSpace::is : c -> chars.indexOf(c) >= 0;
        int begin = 0;
        int end = text.length();
        while (left && begin < end && goes.test(text.codePointAt(begin))) {
            begin += Character.charCount(text.codePointAt(begin));
        }
        while (right && end > begin && goes.test(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(begin, end);
    }

    static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return title(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    private static String title(int codePoint) {
        String upper = Character.toString(codePoint).toUpperCase(Locale.ROOT);
        return upper.codePointCount(0, upper.length()) > 1
                ? upper.substring(0, 1) + upper.substring(1).toLowerCase(Locale.ROOT)
                : Character.toString(Character.toTitleCase(codePoint));
    }

    static String titled(String text) {
        StringBuilder out = new StringBuilder();
        boolean[] inWord = new boolean[1];
        text.codePoints().forEach(c -> {
            String one = Character.toString(c);
            out.append(inWord[0] ? one.toLowerCase(Locale.ROOT) : title(c));
            inWord[0] = hasCase(one);
        });
        return out.toString();
    }

    private static String swapped(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            String one = Character.toString(c);
            out.append(Character.isUpperCase(c) ? one.toLowerCase(Locale.ROOT)
                    : one.toUpperCase(Locale.ROOT));
        });
        return out.toString();
    }

    private String replaced(String text, Arguments.Bound options) {
        return replaced(text, options.text("old"), options.text("new"),
                options.number("count", -1));
    }

    String replaced(String text, String old, String by, long countMax) {
        long left = countMax < 0 ? Long.MAX_VALUE : countMax;
        StringBuilder out = new StringBuilder();
        int at = 0;
        for (int found = text.indexOf(old); found >= 0 && left > 0; left--) {
            budget.characters(by.length() + 1L);
            out.append(text, at, found).append(by);
            at = found + old.length();
            int from = old.isEmpty()
                    ? at + (at < text.length() ? Character.charCount(text.codePointAt(at)) : 1)
                    : at;
            found = from > text.length() ? -1 : text.indexOf(old, from);
        }
        return budget.made(out.append(text.substring(Math.min(at, text.length()))).toString());
    }

    private String joined(String separator, @Nullable Object parts) {
        StringBuilder out = new StringBuilder();
        int index = 0;
        for (Object part : Kinds.items(parts)) {
            if (!(part instanceof String text)) {
                throw TemplateException.failed(
                        "sequence item %d: expected str instance, %s found".formatted(index,
                                Kinds.name(part)));
            }
            budget.characters(text.length() + (long) separator.length());
            out.append(index++ == 0 ? "" : separator).append(text);
        }
        return out.toString();
    }

    private String justified(String text, String how, Arguments.Bound options) {
        long missing = options.number("width", 0) - Kinds.length(text);
        String filler = options.text("fillchar", " ");
        return switch (how) {
            case "ljust" -> text + fill(filler, missing);
            case "rjust" -> fill(filler, missing) + text;
            default -> centered(text, missing, Kinds.length(text), filler);
        };
    }

    /** CPython puts the odd blank left if the width is odd. */
    String centered(String text, long missing, long length, String filler) {
        if (missing <= 0) {
            return text;
        }
        long left = missing / 2 + (missing & (missing + length) & 1);
        return fill(filler, left) + text + fill(filler, missing - left);
    }

    String fill(String filler, long count) {
        if (count <= 0) {
            return "";
        }
        budget.characters(count > Integer.MAX_VALUE ? Long.MAX_VALUE / 4 : count);
        return filler.repeat((int) count);
    }

    private List<@Nullable Object> split(String text, Arguments.Bound options, boolean fromRight) {
        long max = options.number("maxsplit", -1);
        Object given = options.get("sep", null);
        budget.characters(text.length());
        if (given == null) {
            return fromRight ? wordsFromRight(text, max) : words(text, max);
        }
        String sep = separator(Kinds.text(given, "split separator"));
        return new ArrayList<>(
                fromRight && max >= 0 ? piecesFromRight(text, sep, max) : pieces(text, sep, max));
    }

    private static List<@Nullable Object> pieces(String text, String sep, long max) {
        List<@Nullable Object> out = new ArrayList<>();
        int at = 0;
        for (int found = text.indexOf(sep); found >= 0 && (max < 0 || out.size() < max);
                found = text.indexOf(sep, at)) {
            out.add(text.substring(at, found));
            at = found + sep.length();
        }
        out.add(text.substring(at));
        return out;
    }

    private static List<@Nullable Object> piecesFromRight(String text, String sep, long max) {
        List<@Nullable Object> out = new ArrayList<>();
        int end = text.length();
        while (out.size() < max) {
            int found = end < sep.length() ? -1 : text.lastIndexOf(sep, end - sep.length());
            if (found < 0) {
                break;
            }
            out.add(text.substring(found + sep.length(), end));
            end = found;
        }
        out.add(text.substring(0, end));
        Collections.reverse(out);
        return out;
    }

    private static List<@Nullable Object> words(String text, long max) {
        List<@Nullable Object> out = new ArrayList<>();
        int at = skip(text, 0, true);
        while (at < text.length()) {
            if (max >= 0 && out.size() == max) {
                out.add(text.substring(at));
                break;
            }
            int end = skip(text, at, false);
            out.add(text.substring(at, end));
            at = skip(text, end, true);
        }
        return out;
    }

    /** Returns the first place from {@code at} on that is not space, or, if not {@code space}, that is. */
    private static int skip(String text, int at, boolean space) {
        int to = at;
        while (to < text.length() && PythonSpace.is(text.charAt(to)) == space) {
            to++;
        }
        return to;
    }

    private static List<@Nullable Object> wordsFromRight(String text, long max) {
        List<@Nullable Object> out = new ArrayList<>();
        int end = PythonSpace.stripRight(text).length();
        while (end > 0) {
            if (max >= 0 && out.size() == max) {
                out.add(text.substring(0, end));
                break;
            }
            int begin = end;
            while (begin > 0 && !PythonSpace.is(text.charAt(begin - 1))) {
                begin--;
            }
            out.add(text.substring(begin, end));
            end = begin;
            while (end > 0 && PythonSpace.is(text.charAt(end - 1))) {
                end--;
            }
        }
        Collections.reverse(out);
        return out;
    }

    static List<@Nullable Object> lines(String text, boolean keepEnds) {
        List<@Nullable Object> out = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            int end = at;
            while (end < text.length() && !endsLine(text.charAt(end))) {
                end++;
            }
            int next = end < text.length() ? end + (text.startsWith("\r\n", end) ? 2 : 1) : end;
            out.add(text.substring(at, keepEnds ? next : end));
            at = next;
        }
        return out;
    }

    private static boolean endsLine(char c) {
        return c >= 0x0A && c <= 0x0D || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028
                || c == 0x2029;
    }
}
