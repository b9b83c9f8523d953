package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens, with Jinja2's rules for white space when {@code trim_blocks} and
 * {@code lstrip_blocks} are on: a newline after a tag goes, blanks before a tag at the start of a
 * line go, {@code -} takes all white space on its side, {@code +} keeps it.
 */
final class Lexer {
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
        "}", ">", "<",
        "=", ".", ":", "|", ",", ";"
    };

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;

    /** Whether what was read last ended a line, so that blanks before a tag may go. */
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int open = nextOpening(at);
            if (open < 0) {
                data(source.substring(at));
                moveTo(source.length());
                break;
            }
            opening(open);
        }
        add(Kind.END, "");
    }

    private int nextOpening(int from) {
        for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
            if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private void opening(int open) {
        char kind = source.charAt(open + 1);
        char sign = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
        boolean signed = sign == '-' || sign == '+';
        data(before(source.substring(at, open), signed ? sign : ' ', kind != '{'));
        moveTo(open + (signed ? 3 : 2));
        lineStarts = false;
        if (kind == '#') {
            comment();
        } else if (kind == '%' && rawBegins()) {
            raw();
        } else {
            add(kind == '{' ? Kind.PRINT_BEGIN : Kind.TAG_BEGIN, "");
            expression(kind == '{');
        }
    }

    /** Returns the text before an opening, without the white space that the opening takes. */
    private String before(String text, char sign, boolean mayStrip) {
        if (sign == '-') {
            return PythonSpace.stripRight(text);
        }
        int lineStart = text.lastIndexOf('\n') + 1;
        boolean strips = sign != '+' && mayStrip && (lineStart > 0 || lineStarts);
        return strips && PythonSpace.all(text.substring(lineStart))
                ? text.substring(0, lineStart)
                : text;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            add(Kind.DATA, text);
        }
    }

    private void comment() {
        int close = source.indexOf("#}", at);
        if (close < 0) {
            throw TemplateException.syntax("missing end of comment tag", line);
        }
        char sign = close > at ? source.charAt(close - 1) : ' ';
        moveTo(close + 2);
        afterTag(sign);
    }

    /** Skips what a closing with this sign takes after itself. */
    private void afterTag(char sign) {
        int from = at;
        if (sign == '-') {
            skipSpace();
        } else if (sign != '+' && at < source.length() && source.charAt(at) == '\n') {
            moveTo(at + 1);
        }
        lineStarts = at > from && source.charAt(at - 1) == '\n';
    }

    private void skipSpace() {
        int to = at;
        while (to < source.length() && PythonSpace.is(source.charAt(to))) {
            to++;
        }
        moveTo(to);
    }

    private boolean rawBegins() {
        int end = wordTag(at, "raw", "-");
        if (end < 0) {
            return false;
        }
        boolean strips = source.charAt(end - 3) == '-';
        moveTo(end);
        if (strips) {
            int from = at;
            skipSpace();
            lineStarts = at > from && source.charAt(at - 1) == '\n';
        }
        return true;
    }

    /** Returns where a tag of this one word, whose opening ended at {@code from}, ends, or -1. */
    private int wordTag(int from, String word, String signs) {
        int i = from;
        while (i < source.length() && PythonSpace.is(source.charAt(i))) {
            i++;
        }
        if (!source.startsWith(word, i)) {
            return -1;
        }
        i += word.length();
        while (i < source.length() && PythonSpace.is(source.charAt(i))) {
            i++;
        }
        if (i < source.length() && signs.indexOf(source.charAt(i)) >= 0) {
            i++;
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw() {
        for (int open = source.indexOf("{%", at); open >= 0;
                open = source.indexOf("{%", open + 2)) {
            char sign = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
            boolean signed = sign == '-' || sign == '+';
            int end = wordTag(open + (signed ? 3 : 2), "endraw", "-+");
            if (end >= 0) {
                data(before(source.substring(at, open), signed ? sign : ' ', true));
                moveTo(end);
                afterTag(source.charAt(end - 3));
                return;
            }
        }
        throw TemplateException.syntax("missing end of raw directive", line);
    }

    private void expression(boolean print) {
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            skipSpace();
            if (at >= source.length()) {
                throw TemplateException.syntax(
                        "unexpected end of template, a tag is not closed", line);
            }
            if (open.isEmpty() && closes(print)) {
                return;
            }
            token(open);
        }
    }

    private boolean closes(boolean print) {
        String close = print ? "}}" : "%}";
        char sign = source.charAt(at);
        boolean signed = sign == '-' || sign == '+' && !print;
        if (source.startsWith(close, at + (signed ? 1 : 0))) {
            add(print ? Kind.PRINT_END : Kind.TAG_END, "");
            moveTo(at + (signed ? 3 : 2));
            if (!print || sign == '-') {
                afterTag(signed ? sign : ' ');
            }
            return true;
        }
        return false;
    }

    private void token(Deque<Character> open) {
        char c = source.charAt(at);
        if (c == '\'' || c == '"') {
            string(c);
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (Character.isUnicodeIdentifierStart(source.codePointAt(at)) || c == '_') {
            name();
        } else {
            operator(open);
        }
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw TemplateException.syntax("a string is not closed", line);
        }
        add(Kind.STRING, Escapes.decode(source.substring(at + 1, end), line));
        moveTo(end + 1);
    }

    private void number() {
        int end = digits(at);
        boolean real = false;
        // After a dot, digits are an index: a.0.1 holds no number with a fraction.
        boolean index = at > 0 && source.charAt(at - 1) == '.';
        if (!index && end + 1 < source.length() && source.charAt(end) == '.' && isDigit(end + 1)) {
            real = true;
            end = digits(end + 1);
        }
        if (!index && end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int exponent = end + 1;
            if (exponent < source.length() && "+-".indexOf(source.charAt(exponent)) >= 0) {
                exponent++;
            }
            if (isDigit(exponent)) {
                real = true;
                end = digits(exponent);
            }
        }
        if (end < source.length() && Character.isLetter(source.charAt(end))) {
            throw TemplateException.unsupported(
                    "number '" + source.substring(at, end + 1) + "...'", line);
        }
        add(real ? Kind.FLOAT : Kind.INTEGER, source.substring(at, end).replace("_", ""));
        moveTo(end);
    }

    private boolean isDigit(int index) {
        return index < source.length() && source.charAt(index) >= '0'
                && source.charAt(index) <= '9';
    }

    private int digits(int from) {
        int end = from;
        while (isDigit(end)
                || end < source.length() && source.charAt(end) == '_' && isDigit(end + 1)) {
            end++;
        }
        return end;
    }

    private void name() {
        int end = at;
        while (end < source.length()) {
            int c = source.codePointAt(end);
            if (c != '_' && (!Character.isUnicodeIdentifierPart(c)
                    || Character.isIdentifierIgnorable(c))) {
                break;
            }
            end += Character.charCount(c);
        }
        add(Kind.NAME, source.substring(at, end));
        moveTo(end);
    }

    private void operator(Deque<Character> open) {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                balance(operator.charAt(0), open);
                add(Kind.OPERATOR, operator);
                moveTo(at + operator.length());
                return;
            }
        }
        throw TemplateException.syntax(
                "unexpected char '" + Character.toString(source.codePointAt(at)) + "'", line);
    }

    private void balance(char c, Deque<Character> open) {
        int opening = "([{".indexOf(c);
        int closing = ")]}".indexOf(c);
        if (opening >= 0) {
            open.push(")]}".charAt(opening));
        } else if (closing >= 0) {
            if (open.isEmpty()) {
                throw TemplateException.syntax("unexpected '" + c + "'", line);
            }
            char expected = open.pop();
            if (expected != c) {
                throw TemplateException.syntax(
                        "unexpected '" + c + "', expected '" + expected + "'", line);
            }
        }
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void moveTo(int to) {
        for (int i = at; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        at = to;
    }
}
