package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Statement.Signature;
import dev.flywheel.engine.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Runs statements. Not thread-safe; one per rendering. */
final class Renderer {
    /** How a list of statements ended. */
    private enum End {
        REACHED, BREAK, CONTINUE
    }

    private final Budget budget;
    private final Evaluator evaluator;

    private final Map<List<Statement>, Set<String>> unset;

    Renderer(Budget budget, Evaluator evaluator, Map<List<Statement>, Set<String>> unset) {
        this.budget = budget;
        this.evaluator = evaluator;
        this.unset = unset;
    }

    /** Returns what a template prints that was given the names of {@code scope}. */
    String template(List<Statement> statements, Scope scope) {
        return text(statements, inside(scope, statements));
    }

    private Scope inside(Scope outer, List<Statement> body) {
        Scope scope = new Scope(outer);
        unset.getOrDefault(body, Set.of())
                .forEach(name -> scope.set(name, Undefined.name(name)));
        return scope;
    }

    /** Returns what the statements print; {@code scope} keeps what they set. */
    String text(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        run(statements, scope, out);
        return out.toString();
    }

    private End run(List<Statement> statements, Scope scope, StringBuilder out) {
        budget.enter();
        End end = End.REACHED;
        for (Statement statement : statements) {
            budget.step();
            end = run(statement, scope, out);
            if (end != End.REACHED) {
                break;
            }
        }
        budget.leave();
        return end;
    }

    private End run(Statement statement, Scope scope, StringBuilder out) {
        switch (statement) {
            case Statement.Text text -> out.append(budget.made(text.text()));
            case Statement.Print print -> out.append(printed(print, scope));
            case Statement.If conditional -> {
                return run(branch(conditional, scope), scope, out);
            }
            case Statement.For loop -> located(loop.line(), () -> loop(loop,
                    evaluator.value(loop.items(), scope), scope, out, 1));
            case Statement.Set set -> located(set.line(),
                    () -> assign(set.target(), evaluator.value(set.value(), scope), scope));
            case Statement.SetBlock set -> located(set.line(), () -> assign(
                    set.target(), filtered(set.filters(), set.body(), scope), scope));
            case Statement.FilterBlock block -> located(block.line(), () -> out.append(budget.made(
                    PythonText.str(filtered(block.filters(), block.body(), scope)))));
            case Statement.Macro macro -> scope.set(
                    macro.name(), macro(macro.name(), macro.signature(), macro.body(), scope));
            case Statement.CallBlock block ->
                located(block.line(), () -> callBlock(block, scope, out));
            case Statement.With with -> with(with, scope, out);
            case Statement.Scoped scoped -> {
                return run(scoped.body(), inside(scope, scoped.body()), out);
            }
            case Statement.Break ignored -> {
                return End.BREAK;
            }
            case Statement.Continue ignored -> {
                return End.CONTINUE;
            }
        }
        return End.REACHED;
    }

    private static void located(int line, Runnable step) {
        try {
            step.run();
        } catch (TemplateException e) {
            throw e.at(line);
        }
    }

    private String printed(Statement.Print print, Scope scope) {
        try {
            return budget.made(PythonText.str(evaluator.value(print.value(), scope)));
        } catch (TemplateException e) {
            throw e.at(print.line());
        }
    }

    private List<Statement> branch(Statement.If conditional, Scope scope) {
        for (Statement.Branch branch : conditional.branches()) {
            if (evaluator.truth(branch.test(), scope)) {
                return branch.body();
            }
        }
        return conditional.otherwise();
    }

    private void loop(Statement.For loop, @Nullable Object over, Scope outer, StringBuilder out,
            int depth) {
        List<@Nullable Object> items = chosen(loop, Kinds.items(over), outer);
        LoopState state = new LoopState(items, depth, loop.recursive()
                ? (inner, innerDepth) -> {
                    StringBuilder innerOut = new StringBuilder();
                    loop(loop, inner, outer, innerOut, innerDepth);
                    return innerOut.toString();
                }
                : null);
        for (int i = 0; i < items.size(); i++) {
            state.moveTo(i);
            Scope scope = inside(outer, loop.body());
            scope.set("loop", state);
            assign(loop.target(), items.get(i), scope);
            if (run(loop.body(), scope, out) == End.BREAK) {
                break;
            }
        }
        if (items.isEmpty()) {
            run(loop.otherwise(), inside(outer, loop.otherwise()), out);
        }
    }

    private List<@Nullable Object> chosen(Statement.For loop, List<@Nullable Object> items,
            Scope outer) {
        if (loop.test() == null) {
            return items;
        }
        List<@Nullable Object> chosen = new ArrayList<>();
        for (Object item : items) {
            Scope scope = new Scope(outer);
            assign(loop.target(), item, scope);
            if (evaluator.truth(loop.test(), scope)) {
                chosen.add(item);
            }
        }
        return chosen;
    }

    private void assign(Target target, @Nullable Object value, Scope scope) {
        switch (target) {
            case Statement.NameTarget name -> scope.set(name.name(), value);
            case Statement.MemberTarget member -> {
                Scope holding = scope.holding(member.namespace());
                if (holding == null
                        || !(holding.own(member.namespace()) instanceof Namespace namespace)) {
                    throw TemplateException
                            .failed("cannot assign attribute on non-namespace object");
                }
                namespace.values().put(member.name(), value);
            }
            case Statement.TupleTarget tuple -> {
                List<@Nullable Object> values = Kinds.items(value);
                int wanted = tuple.targets().size();
                if (values.size() != wanted) {
                    throw TemplateException.failed(values.size() > wanted
                            ? "too many values to unpack (expected " + wanted + ")"
                            : "not enough values to unpack (expected %d, got %d)".formatted(wanted,
                                    values.size()));
                }
                for (int i = 0; i < wanted; i++) {
                    assign(tuple.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private @Nullable Object filtered(Expression filters, List<Statement> body, Scope scope) {
        Scope inner = inside(scope, body);
        inner.set(Statement.CAPTURED, text(body, inner));
        return evaluator.value(filters, inner);
    }

    private void with(Statement.With with, Scope outer, StringBuilder out) {
        Scope scope = inside(outer, with.body());
        located(with.line(), () -> {
            for (int i = 0; i < with.targets().size(); i++) {
                assign(with.targets().get(i), evaluator.value(with.values().get(i), outer), scope);
            }
        });
        run(with.body(), scope, out);
    }

    private void callBlock(Statement.CallBlock block, Scope scope, StringBuilder out) {
        Arguments given = evaluator.arguments(block.call().arguments(), scope);
        Map<String, @Nullable Object> named = new LinkedHashMap<>(given.named());
        named.put("caller", macro("caller", block.signature(), block.body(), scope));
        Object result =
                evaluator.called(block.call(), new Arguments(given.positional(), named), scope);
        out.append(budget.made(PythonText.str(result)));
    }

    private Callable macro(String name, Signature signature, List<Statement> body, Scope around) {
        return new Macro(name, arguments -> {
            Scope scope = inside(around, body);
            bind(name, signature, arguments, scope);
            budget.enter();
            String text = text(body, scope);
            budget.leave();
            return text;
        });
    }

    private void bind(String name, Signature signature, Arguments arguments, Scope scope) {
        List<String> parameters = signature.parameters();
        List<@Nullable Object> positional = arguments.positional();
        Map<String, @Nullable Object> named = new LinkedHashMap<>(arguments.named());
        if (positional.size() > parameters.size() && !signature.usesVarargs()) {
            throw TemplateException.failed("macro '%s' takes not more than %d argument(s)"
                    .formatted(name, parameters.size()));
        }
        int firstDefault = parameters.size() - signature.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Object value;
            if (i < positional.size()) {
                value = positional.get(i);
            } else if (named.containsKey(parameter)) {
                value = named.remove(parameter);
            } else if (i >= firstDefault) {
                value = evaluator.value(signature.defaults().get(i - firstDefault), scope);
            } else {
                value = new Undefined("parameter '" + parameter + "' was not provided");
            }
            scope.set(parameter, value);
        }
        if (signature.usesCaller() && !parameters.contains("caller")) {
            scope.set("caller", named.containsKey("caller")
                    ? named.remove("caller")
                    : new Undefined("No caller defined"));
        }
        if (signature.usesKwargs()) {
            scope.set("kwargs", new LinkedHashMap<Object, @Nullable Object>(named));
        } else if (!named.isEmpty()) {
            throw TemplateException.failed("macro '%s' takes no keyword argument '%s'"
                    .formatted(name, named.keySet().iterator().next()));
        }
        if (signature.usesVarargs()) {
            scope.set("varargs", new Tuple(positional.subList(
                    Math.min(parameters.size(), positional.size()), positional.size())));
        }
    }
}
