package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Expression.CallArguments;
import dev.flywheel.engine.jinja.Expression.Compared;
import dev.flywheel.engine.jinja.Expression.Named;
import dev.flywheel.engine.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Reads expressions, with Jinja2's precedence: a filter binds tighter than every operator but the sign. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream stream;

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
    }

    Expression expression() {
        stream.deeper();
        Expression value = or();
        while (stream.skipName("if")) {
            Expression test = or();
            Expression otherwise = stream.skipName("else") ? expression() : null;
            value = new Expression.Conditional(test, value, otherwise);
        }
        stream.shallower();
        return value;
    }

    /** Reads expressions with commas between them; more than one, or a trailing comma, is a tuple. */
    Expression tuple(boolean withConditions, @Nullable String endName) {
        Supplier<Expression> part = withConditions ? this::expression : this::or;
        List<Expression> items = new ArrayList<>();
        boolean commas = false;
        do {
            if (tupleEnds(endName)) {
                break;
            }
            items.add(part.get());
            commas |= stream.current().isOperator(",");
        } while (stream.skipOperator(","));
        if (commas) {
            return new Expression.TupleOf(items);
        }
        if (items.isEmpty()) {
            throw stream.unexpected("an expression");
        }
        return items.get(0);
    }

    private boolean tupleEnds(@Nullable String endName) {
        Token token = stream.current();
        return token.kind() == Kind.PRINT_END || token.kind() == Kind.TAG_END
                || token.isOperator(")")
                || endName != null && token.isName(endName);
    }

    Expression or() {
        Expression left = and();
        while (stream.skipName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (stream.skipName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        if (stream.skipName("not")) {
            stream.deeper();
            Expression operand = not();
            stream.shallower();
            return new Expression.Not(operand);
        }
        return comparison();
    }

    private Expression comparison() {
        int line = stream.line();
        Expression first = sum();
        List<Compared> rest = new ArrayList<>();
        while (true) {
            Token token = stream.current();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
                stream.next();
                rest.add(new Compared(token.text(), sum()));
            } else if (stream.skipName("in")) {
                rest.add(new Compared("in", sum()));
            } else if (token.isName("not") && stream.ahead().isName("in")) {
                stream.next();
                stream.next();
                rest.add(new Compared("not in", sum()));
            } else {
                return rest.isEmpty() ? first : new Expression.Comparison(first, rest, line);
            }
        }
    }

    private Expression sum() {
        return arithmetic(this::concatenation, Set.of("+", "-"));
    }

    private Expression concatenation() {
        List<Expression> parts = new ArrayList<>(List.of(product()));
        while (stream.skipOperator("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.get(0) : new Expression.Concatenation(parts);
    }

    private Expression product() {
        return arithmetic(this::power, Set.of("*", "/", "//", "%"));
    }

    private Expression power() {
        return arithmetic(() -> unary(true), Set.of("**"));
    }

    private Expression arithmetic(Supplier<Expression> operand, Set<String> operators) {
        int line = stream.line();
        Expression left = operand.get();
        while (stream.current().kind() == Kind.OPERATOR
                && operators.contains(stream.current().text())) {
            String operator = stream.next().text();
            left = new Expression.Arithmetic(operator, left, operand.get(), line);
            line = stream.line();
        }
        return left;
    }

    private Expression unary(boolean withFilters) {
        Expression value;
        int line = stream.line();
        if (stream.current().isOperator("-") || stream.current().isOperator("+")) {
            boolean negative = stream.next().isOperator("-");
            stream.deeper();
            value = new Expression.Sign(negative, unary(false), line);
            stream.shallower();
        } else {
            value = primary();
        }
        value = postfix(value);
        return withFilters ? filters(value) : value;
    }

    Expression primary() {
        Token token = stream.current();
        return switch (token.kind()) {
            case NAME -> name(stream.next().text());
            case STRING -> string();
            case INTEGER -> new Expression.Literal(integer(stream.next().text()));
            case FLOAT -> new Expression.Literal(Double.parseDouble(stream.next().text()));
            case OPERATOR -> bracketed(token);
            default -> throw stream.unexpected("an expression");
        };
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(null);
            default -> new Expression.Name(name);
        };
    }

    private Expression string() {
        StringBuilder joined = new StringBuilder();
        while (stream.current().kind() == Kind.STRING) {
            joined.append(stream.next().text());
        }
        return new Expression.Literal(joined.toString());
    }

    private static Object integer(String digits) {
        BigInteger value = new BigInteger(digits);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private Expression bracketed(Token token) {
        switch (token.text()) {
            case "(" -> {
                stream.next();
                Expression value = stream.current().isOperator(")")
                        ? new Expression.TupleOf(List.of())
                        : tuple(true, null);
                stream.expectOperator(")");
                return value;
            }
            case "[" -> {
                stream.next();
                return list();
            }
            case "{" -> {
                stream.next();
                return map();
            }
            default -> throw stream.unexpected("an expression");
        }
    }

    private Expression list() {
        List<Expression> items = new ArrayList<>();
        while (!stream.skipOperator("]")) {
            if (!items.isEmpty()) {
                stream.expectOperator(",");
                if (stream.skipOperator("]")) {
                    break;
                }
            }
            items.add(expression());
        }
        return new Expression.ListOf(items);
    }

    private Expression map() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!stream.skipOperator("}")) {
            if (!keys.isEmpty()) {
                stream.expectOperator(",");
                if (stream.skipOperator("}")) {
                    break;
                }
            }
            keys.add(expression());
            stream.expectOperator(":");
            values.add(expression());
        }
        return new Expression.MapOf(keys, values);
    }

    Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            int line = stream.line();
            if (stream.skipOperator(".")) {
                value = member(value, line);
            } else if (stream.skipOperator("[")) {
                value = subscript(value, line);
            } else if (stream.current().isOperator("(")) {
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression member(Expression target, int line) {
        Token token = stream.next();
        return switch (token.kind()) {
            case NAME -> new Expression.Attribute(target, token.text(), line);
            case INTEGER -> new Expression.Item(
                    target, new Expression.Literal(integer(token.text())), line);
            default -> throw TemplateException.syntax("expected name or number", line);
        };
    }

    private Expression subscript(Expression target, int line) {
        Expression begin = stream.current().isOperator(":") ? null : expression();
        if (!stream.skipOperator(":")) {
            if (begin != null && stream.skipOperator("]")) {
                return new Expression.Item(target, begin, line);
            }
            throw stream.unexpected("']'; several subscripts are not supported in chat templates,");
        }
        Expression end = sliceEnds() ? null : expression();
        Expression step = stream.skipOperator(":") && !sliceEnds() ? expression() : null;
        stream.expectOperator("]");
        return new Expression.Slice(target, begin, end, step, line);
    }

    private boolean sliceEnds() {
        return stream.current().isOperator(":") || stream.current().isOperator("]");
    }

    CallArguments arguments() {
        stream.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        List<Named> named = new ArrayList<>();
        Expression spread = null;
        Expression spreadNamed = null;
        boolean first = true;
        while (!stream.skipOperator(")")) {
            if (!first) {
                stream.expectOperator(",");
                if (stream.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (stream.skipOperator("*")) {
                spread = expression();
            } else if (stream.skipOperator("**")) {
                spreadNamed = expression();
            } else if (stream.current().kind() == Kind.NAME && stream.ahead().isOperator("=")) {
                String name = stream.expectName();
                stream.expectOperator("=");
                named.add(new Named(name, expression()));
            } else if (named.isEmpty() && spread == null && spreadNamed == null) {
                positional.add(expression());
            } else {
                throw TemplateException.syntax("invalid syntax for function call expression",
                        stream.line());
            }
        }
        return new CallArguments(positional, named, spread, spreadNamed);
    }

    private Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            int line = stream.line();
            if (stream.skipOperator("|")) {
                value = filter(value, line);
            } else if (stream.skipName("is")) {
                value = test(value, line);
            } else if (stream.current().isOperator("(")) {
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    /** Reads one filter and those after it, beginning with its name. */
    Expression filterChain(Expression target) {
        Expression value = filter(target, stream.line());
        while (stream.current().isOperator("|")) {
            int line = stream.next().line();
            value = filter(value, line);
        }
        return value;
    }

    private Expression filter(Expression target, int line) {
        String name = dottedName();
        if (!Filters.knows(name)) {
            throw TemplateException.unsupported("filter '" + name + "'", line);
        }
        CallArguments arguments =
                stream.current().isOperator("(") ? arguments() : CallArguments.NONE;
        return new Expression.Filter(target, name, arguments, line);
    }

    private Expression test(Expression target, int line) {
        boolean negated = stream.skipName("not");
        String name = dottedName();
        if (!Tests.knows(name)) {
            throw TemplateException.unsupported("test '" + name + "'", line);
        }
        CallArguments arguments = CallArguments.NONE;
        if (stream.current().isOperator("(")) {
            arguments = arguments();
        } else if (takesOperand(stream.current())) {
            arguments = new CallArguments(List.of(postfix(primary())), List.of(), null, null);
        }
        Expression test = new Expression.Test(target, name, arguments, line);
        return negated ? new Expression.Not(test) : test;
    }

    private boolean takesOperand(Token token) {
        return switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            case NAME -> {
                if (token.isName("is")) {
                    throw TemplateException.syntax("You cannot chain multiple tests with is",
                            token.line());
                }
                yield !token.isName("else") && !token.isName("or") && !token.isName("and");
            }
            default -> false;
        };
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(stream.expectName());
        while (stream.skipOperator(".")) {
            name.append('.').append(stream.expectName());
        }
        return name.toString();
    }
}
