package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Token.Kind;
import java.util.List;

/** Tokens with a place among them, shared by the two parsers, and a bound on how deep they nest. */
final class TokenStream {
    private static final int DEPTH_MAX = 150;

    private final List<Token> tokens;
    private int at;
    private int depth;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    int position() {
        return at;
    }

    /** Returns whether a name stands between an earlier position and this one. */
    boolean names(int from, String name) {
        return tokens.subList(from, at).stream().anyMatch(token -> token.isName(name));
    }

    int line() {
        return current().line();
    }

    boolean skipOperator(String operator) {
        boolean found = current().isOperator(operator);
        if (found) {
            at++;
        }
        return found;
    }

    boolean skipName(String name) {
        boolean found = current().isName(name);
        if (found) {
            at++;
        }
        return found;
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    String expectName() {
        if (current().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    void expect(Kind kind, String shown) {
        if (current().kind() != kind) {
            throw unexpected(shown);
        }
        at++;
    }

    TemplateException unexpected(String expected) {
        return TemplateException.syntax(
                "unexpected " + current().shown() + ", expected " + expected, line());
    }

    void deeper() {
        if (++depth > DEPTH_MAX) {
            throw TemplateException.limit(
                    "the template nests deeper than " + DEPTH_MAX + " at line " + line());
        }
    }

    void shallower() {
        depth--;
    }
}
