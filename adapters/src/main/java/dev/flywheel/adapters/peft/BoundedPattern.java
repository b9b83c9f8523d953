package dev.flywheel.adapters.peft;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression from a file. It may hang no matcher: the text it is matched against counts the
 * characters looked at and gives up beyond a limit.
 */
final class BoundedPattern {
    private static final int LENGTH_MAX = 1000;
    private static final int READS_MAX = 200_000;

    private final String field;
    private final String source;
    private final Pattern pattern;

    private BoundedPattern(String field, String source, Pattern pattern) {
        this.field = field;
        this.source = source;
        this.pattern = pattern;
    }

    /** Compiles {@code prefix + source + suffix}; only the source is counted and shown. */
    static BoundedPattern compile(String field, String prefix, String source, String suffix) {
        if (source.length() > LENGTH_MAX) {
            throw new AdapterException(
                    Code.TOO_LARGE,
                    field
                            + " is an expression of "
                            + source.length()
                            + " characters, allowed are at most "
                            + LENGTH_MAX);
        }
        try {
            return new BoundedPattern(field, source, Pattern.compile(prefix + source + suffix));
        } catch (PatternSyntaxException e) {
            throw new AdapterException(
                    Code.MALFORMED,
                    field + " is no valid regular expression: " + e.getDescription(),
                    e);
        }
    }

    /** Returns whether the whole text matches. */
    boolean matches(String text) {
        return match(text) != null;
    }

    /** Returns what the whole text has in the named group; null if the text does not match. */
    @Nullable
    String group(String name, String text) {
        @Nullable Matcher matched = match(text);
        return matched == null ? null : matched.group(name);
    }

    private @Nullable Matcher match(String text) {
        Matcher matcher = pattern.matcher(new CountedText(text, new int[] {READS_MAX}));
        try {
            return matcher.matches() ? matcher : null;
        } catch (TooManyReadsException | StackOverflowError e) {
            throw new AdapterException(
                    Code.UNSUPPORTED,
                    field + " " + source
                            + " takes too long to match; write it without nested repeats",
                    e);
        }
    }

    private static final class TooManyReadsException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** Text that counts how often it is looked at; views share one count. */
    private record CountedText(CharSequence text, int[] readsLeft) implements CharSequence {
        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            if (--readsLeft[0] < 0) {
                throw new TooManyReadsException();
            }
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new CountedText(text.subSequence(start, end), readsLeft);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
