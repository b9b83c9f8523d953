package dev.flywheel.itest.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a PromQL expression names: metrics with their matchers, and the labels that it groups by or matches on. Functions, keywords,
 * strings, numbers, durations and a dashboard's variables are told apart from these; what is computed is not looked at.
 */
final class PromQl {
    private static final Pattern TOKEN = Pattern.compile(
            "\\s+|(?<text>\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*')"
                    + "|(?<number>\\d[\\w.]*)|(?<name>[a-zA-Z_:][\\w:]*)"
                    + "|(?<variable>\\$\\w+|\\$\\{\\w+})|(?<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\\[\\],:@])");
    private static final Set<String> GROUPING = Set.of("by", "without");
    private static final Set<String> MATCHING =
            Set.of("on", "ignoring", "group_left", "group_right");
    private static final Set<String> WORDS = Set.of("and", "or", "unless", "bool", "offset", "inf",
            "nan", "atan2");

    /** A condition on a label. */
    record Condition(String label, String sign, String value) {}

    /** A metric and its conditions. */
    record Selector(String metric, List<Condition> matchers) {}

    /** Labels, and the metrics that they have to be labels of. */
    record Grouping(List<String> labels, List<Selector> selectors) {}

    /** What an expression names. */
    record Names(List<Selector> selectors, List<Grouping> groupings) {}

    private record Token(String kind, String text) {}

    private final String expression;
    private final List<Token> tokens = new ArrayList<>();
    private final List<Selector> selectors = new ArrayList<>();
    private final List<Grouping> groupings = new ArrayList<>();
    private int at;

    private PromQl(String expression) {
        this.expression = expression;
        Matcher token = TOKEN.matcher(expression);
        int end = 0;
        while (end < expression.length()) {
            token.region(end, expression.length());
            if (!token.lookingAt()) {
                throw broken("cannot be read at " + expression.substring(end));
            }
            for (String kind : List.of("text", "number", "name", "variable", "sign")) {
                if (token.group(kind) != null) {
                    tokens.add(new Token(kind, token.group()));
                }
            }
            end = token.end();
        }
    }

    static Names names(String expression) {
        PromQl query = new PromQl(expression);
        query.until("");
        return new Names(query.selectors, query.groupings);
    }

    private IllegalArgumentException broken(String why) {
        return new IllegalArgumentException(expression + ": " + why);
    }

    private boolean done() {
        return at == tokens.size();
    }

    private boolean next(String text) {
        return !done() && tokens.get(at).text().equals(text);
    }

    private Token take() {
        if (done()) {
            throw broken("ends too early");
        }
        return tokens.get(at++);
    }

    private void expect(String text) {
        if (!next(text)) {
            throw broken("has no " + text + " where one belongs");
        }
        at++;
    }

    /** Reads up to a closing sign, or to the end. */
    private void until(String closing) {
        while (!next(closing)) {
            if (done()) {
                if (closing.isEmpty()) {
                    return;
                }
                throw broken("has no " + closing);
            }
            Token token = take();
            switch (token.text()) {
                case "(" -> {
                    until(")");
                    expect(")");
                }
                case "[" -> range();
                case "{" -> throw broken("selects without a metric's name");
                case ")", "]", "}" -> throw broken("has a " + token.text() + " too many");
                default -> {
                    if (token.kind().equals("name")) {
                        named(token.text());
                    }
                }
            }
        }
    }

    /** A range holds a duration or a dashboard's variable, no metric. */
    private void range() {
        while (!next("]")) {
            if (take().kind().equals("name")) {
                throw broken("has a name in a range");
            }
        }
        expect("]");
    }

    private void named(String name) {
        if (WORDS.contains(name)) {
            return;
        }
        if (MATCHING.contains(name)) {
            groupings.add(new Grouping(next("(") ? labels() : List.of(), selectors));
        } else if (next("(")) {
            aggregated(List.of());
        } else if (!done() && GROUPING.contains(tokens.get(at).text())) {
            at++;
            aggregated(labels());
        } else {
            selectors.add(new Selector(name, next("{") ? matchers() : List.of()));
        }
    }

    /** What stands in a function's or an aggregation's parentheses, with the labels that it is grouped by, before or after. */
    private void aggregated(List<String> before) {
        int from = selectors.size();
        expect("(");
        until(")");
        expect(")");
        List<String> labels = new ArrayList<>(before);
        if (!done() && GROUPING.contains(tokens.get(at).text())) {
            at++;
            labels.addAll(labels());
        }
        if (!labels.isEmpty()) {
            groupings.add(new Grouping(labels,
                    List.copyOf(selectors.subList(from, selectors.size()))));
        }
    }

    private List<String> labels() {
        List<String> labels = new ArrayList<>();
        expect("(");
        while (!next(")")) {
            Token token = take();
            if (token.kind().equals("name")) {
                labels.add(token.text());
            } else if (!token.text().equals(",")) {
                throw broken("has " + token.text() + " among labels");
            }
        }
        expect(")");
        return labels;
    }

    private List<Condition> matchers() {
        List<Condition> matchers = new ArrayList<>();
        expect("{");
        while (!next("}")) {
            String label = take().text();
            String sign = take().text();
            String value = take().text();
            matchers.add(new Condition(label, sign, value.substring(1, value.length() - 1)));
            if (next(",")) {
                at++;
            }
        }
        expect("}");
        return matchers;
    }
}
