package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Expression.CallArguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of expressions. Not thread-safe; one per rendering. */
final class Evaluator {
    private final Runtime runtime;
    private final Globals globals;

    Evaluator(Runtime runtime, Globals globals) {
        this.runtime = runtime;
        this.globals = globals;
    }

    @Nullable
    Object value(Expression expression, Scope scope) {
        runtime.budget().step();
        runtime.budget().enter();
        Object value = evaluated(expression, scope);
        runtime.budget().leave();
        return value;
    }

    boolean truth(Expression expression, Scope scope) {
        return Kinds.truth(value(expression, scope));
    }

    private @Nullable Object evaluated(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> named(name.name(), scope);
            case Expression.ListOf list -> values(list.items(), scope);
            case Expression.TupleOf tuple -> new Tuple(values(tuple.items(), scope));
            case Expression.MapOf map -> map(map, scope);
            case Expression.Not not -> !truth(not.operand(), scope);
            case Expression.And and -> {
                Object left = value(and.left(), scope);
                yield Kinds.truth(left) ? value(and.right(), scope) : left;
            }
            case Expression.Or or -> {
                Object left = value(or.left(), scope);
                yield Kinds.truth(left) ? left : value(or.right(), scope);
            }
            case Expression.Conditional conditional -> conditional(conditional, scope);
            case Expression.Concatenation concatenation -> concatenated(concatenation, scope);
            case Expression.Attribute a -> located(a.line(),
                    () -> runtime.members().attribute(value(a.target(), scope), a.name()));
            case Expression.Item i -> located(i.line(),
                    () -> runtime.members().item(value(i.target(), scope), value(i.key(), scope)));
            case Expression.Slice s -> located(s.line(), () -> runtime.members()
                    .slice(
                            value(s.target(), scope), optional(s.begin(), scope),
                            optional(s.end(), scope),
                            optional(s.step(), scope)));
            case Expression.Sign s -> located(s.line(),
                    () -> Operators.signed(s.negative(), value(s.operand(), scope)));
            case Expression.Arithmetic a -> located(a.line(), () -> runtime.operators()
                    .arithmetic(
                            a.operator(), value(a.left(), scope), value(a.right(), scope)));
            case Expression.Comparison c -> located(c.line(), () -> compared(c, scope));
            case Expression.Call c ->
                located(c.line(), () -> called(c, arguments(c.arguments(), scope), scope));
            case Expression.Filter f -> located(f.line(), () -> Filters.apply(
                    f.name(), value(f.target(), scope), arguments(f.arguments(), scope), runtime));
            case Expression.Test t -> located(t.line(), () -> Tests.answer(
                    t.name(), value(t.target(), scope), arguments(t.arguments(), scope), runtime));
        };
    }

    private interface Step {
        @Nullable
        Object run();
    }

    private static @Nullable Object located(int line, Step step) {
        try {
            return step.run();
        } catch (TemplateException e) {
            throw e.at(line);
        }
    }

    private @Nullable Object named(String name, Scope scope) {
        Scope holding = scope.holding(name);
        if (holding != null) {
            return holding.own(name);
        }
        Callable function = globals.find(name);
        return function != null ? function : Undefined.name(name);
    }

    private @Nullable Object optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : value(expression, scope);
    }

    private List<@Nullable Object> values(List<Expression> expressions, Scope scope) {
        List<@Nullable Object> values = new ArrayList<>();
        for (Expression expression : expressions) {
            values.add(value(expression, scope));
        }
        return values;
    }

    private Object map(Expression.MapOf map, Scope scope) {
        Map<@Nullable Object, @Nullable Object> values = new LinkedHashMap<>();
        for (int i = 0; i < map.keys().size(); i++) {
            Object key = value(map.keys().get(i), scope);
            if (key instanceof Boolean || key instanceof Double) {
                // As keys they equal whole numbers, which are what is kept, and would be printed.
                throw TemplateException.unsupported("a %s as key".formatted(Kinds.name(key)));
            }
            values.put(Operators.hashable(key), value(map.values().get(i), scope));
        }
        return values;
    }

    private @Nullable Object conditional(Expression.Conditional conditional, Scope scope) {
        if (truth(conditional.test(), scope)) {
            return value(conditional.then(), scope);
        }
        return conditional.otherwise() == null
                ? new Undefined(
                        "the inline if-expression evaluated to false and no else section was defined.")
                : value(conditional.otherwise(), scope);
    }

    private Object concatenated(Expression.Concatenation concatenation, Scope scope) {
        StringBuilder out = new StringBuilder();
        for (Expression part : concatenation.parts()) {
            // Marks of safe text are lost here, as in Jinja2 without autoescape.
            Object value = value(part, scope);
            out.append(runtime.budget().made(PythonText.str(value)));
        }
        return out.toString();
    }

    private Object compared(Expression.Comparison comparison, Scope scope) {
        Object left = value(comparison.first(), scope);
        for (Expression.Compared next : comparison.rest()) {
            Object right = value(next.operand(), scope);
            if (!runtime.operators().compared(next.operator(), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    /** Calls with arguments that were evaluated, so that a block may add itself to them. */
    @Nullable
    Object called(Expression.Call call, Arguments arguments, Scope scope) {
        Object target = value(call.target(), scope);
        if (target instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (!(target instanceof Callable callable)) {
            throw TemplateException.failed("'" + Kinds.name(target) + "' object is not callable");
        }
        return callable.call(arguments);
    }

    Arguments arguments(CallArguments given, Scope scope) {
        if (given.equals(CallArguments.NONE)) {
            return Arguments.NONE;
        }
        List<@Nullable Object> positional = values(given.positional(), scope);
        Map<String, @Nullable Object> named = new LinkedHashMap<>();
        for (Expression.Named one : given.named()) {
            named.put(one.name(), value(one.value(), scope));
        }
        if (given.spread() != null) {
            positional.addAll(Kinds.items(value(given.spread(), scope)));
        }
        if (given.spreadNamed() != null) {
            if (!(value(given.spreadNamed(), scope) instanceof Map<?, ?> map)) {
                throw TemplateException.failed("argument after ** must be a mapping");
            }
            map.forEach((key, value) -> named.put(Kinds.text(key, "keyword"), value));
        }
        return new Arguments(positional, named);
    }
}
