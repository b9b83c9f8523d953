package dev.flywheel.engine.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What prints or changes names. */
sealed interface Statement {
    record Text(String text) implements Statement {}

    record Print(Expression value, int line) implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

    record Branch(Expression test, List<Statement> body) {}

    record For(
            Target target,
            Expression items,
            @Nullable Expression test,
            List<Statement> body,
            List<Statement> otherwise,
            boolean recursive,
            int line)
            implements
                Statement {}

    record Set(Target target, Expression value, int line) implements Statement {}

    /** @param filters filters over the name {@link #CAPTURED}, or that name alone */
    record SetBlock(Target target, Expression filters, List<Statement> body, int line)
            implements
                Statement {}

    record FilterBlock(Expression filters, List<Statement> body, int line) implements Statement {}

    record Macro(String name, Signature signature, List<Statement> body, int line)
            implements
                Statement {}

    record CallBlock(Expression.Call call, Signature signature, List<Statement> body, int line)
            implements
                Statement {}

    record With(List<Target> targets, List<Expression> values, List<Statement> body, int line)
            implements
                Statement {}

    /** {@code generation}: marks what an assistant wrote; prints its body. */
    record Scoped(List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    /** A name no template can spell, for a block's text on its way through filters. */
    String CAPTURED = " captured";

    /** @param defaults of the last parameters */
    record Signature(
            List<String> parameters,
            List<Expression> defaults,
            boolean usesVarargs,
            boolean usesKwargs,
            boolean usesCaller) {}

    /** Where a value goes. */
    sealed interface Target {}

    record NameTarget(String name) implements Target {}

    record MemberTarget(String namespace, String name) implements Target {}

    record TupleTarget(List<Target> targets) implements Target {}
}
