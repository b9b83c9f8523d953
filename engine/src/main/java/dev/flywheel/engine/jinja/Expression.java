package dev.flywheel.engine.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What has a value. */
sealed interface Expression {
    record Literal(@Nullable Object value) implements Expression {}

    record Name(String name) implements Expression {}

    record ListOf(List<Expression> items) implements Expression {}

    record TupleOf(List<Expression> items) implements Expression {}

    record MapOf(List<Expression> keys, List<Expression> values) implements Expression {}

    record Attribute(Expression target, String name, int line) implements Expression {}

    record Item(Expression target, Expression key, int line) implements Expression {}

    record Slice(
            Expression target,
            @Nullable Expression begin,
            @Nullable Expression end,
            @Nullable Expression step,
            int line)
            implements
                Expression {}

    record Call(Expression target, CallArguments arguments, int line) implements Expression {}

    record Filter(Expression target, String name, CallArguments arguments, int line)
            implements
                Expression {}

    record Test(Expression target, String name, CallArguments arguments, int line)
            implements
                Expression {}

    record Not(Expression operand) implements Expression {}

    record Sign(boolean negative, Expression operand, int line) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    record Arithmetic(String operator, Expression left, Expression right, int line)
            implements
                Expression {}

    record Concatenation(List<Expression> parts) implements Expression {}

    /** {@code a < b < c}: each operator compares its operand with the one before. */
    record Comparison(Expression first, List<Compared> rest, int line) implements Expression {}

    record Compared(String operator, Expression operand) {}

    record Conditional(Expression test, Expression then, @Nullable Expression otherwise)
            implements
                Expression {}

    /** @param spread {@code *list}; @param spreadNamed {@code **map} */
    record CallArguments(
            List<Expression> positional,
            List<Named> named,
            @Nullable Expression spread,
            @Nullable Expression spreadNamed) {
        static final CallArguments NONE = new CallArguments(List.of(), List.of(), null, null);
    }

    record Named(String name, Expression value) {}
}
