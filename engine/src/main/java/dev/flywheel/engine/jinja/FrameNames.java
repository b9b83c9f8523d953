package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Expression.CallArguments;
import dev.flywheel.engine.jinja.Statement.Target;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which names have no value yet where a block begins, whatever the template was given.
 *
 * <p>Jinja2 decides when it compiles where a name lives: a name that a block sets before it reads it
 * is that block's own, and blocks within that read it too early find nothing. Names that only some
 * branch of a condition sets keep the value from outside until then.
 */
final class FrameNames {
    /** Where a frame finds a name. */
    private enum Found {
        OUTSIDE, NOWHERE_YET
    }

    private static final int DEPTH_MAX = 1000;

    private final Map<List<Statement>, Set<String>> unset;
    private final @Nullable FrameNames outer;
    private final Map<String, Found> found;
    private final Set<String> stored;
    private int depth;

    private FrameNames(Map<List<Statement>, Set<String>> unset, @Nullable FrameNames outer,
            Map<String, Found> found, Set<String> stored) {
        this.unset = unset;
        this.outer = outer;
        this.found = found;
        this.stored = stored;
    }

    /** Returns the names by the very list of statements that each block runs. */
    static Map<List<Statement>, Set<String>> of(List<Statement> template) {
        Map<List<Statement>, Set<String>> unset = new IdentityHashMap<>();
        new FrameNames(unset, null, new HashMap<>(), new HashSet<>()).frame(template);
        return unset;
    }

    private FrameNames inner() {
        return new FrameNames(unset, this, new HashMap<>(), new HashSet<>());
    }

    private void frame(List<Statement> body) {
        visit(body);
        Set<String> names = new HashSet<>();
        found.forEach((name, where) -> {
            if (where == Found.NOWHERE_YET) {
                names.add(name);
            }
        });
        if (!names.isEmpty()) {
            unset.put(body, names);
        }
        frames(body);
    }

    private boolean knows(String name) {
        return found.containsKey(name) || outer != null && outer.knows(name);
    }

    private void load(String name) {
        if (!knows(name)) {
            found.put(name, Found.OUTSIDE);
        }
    }

    private void store(String name) {
        stored.add(name);
        if (!found.containsKey(name)) {
            boolean around = outer != null && outer.knows(name);
            found.put(name, around ? Found.OUTSIDE : Found.NOWHERE_YET);
        }
    }

    private void parameter(String name) {
        stored.add(name);
        found.put(name, Found.OUTSIDE);
    }

    private void visit(List<Statement> statements) {
        statements.forEach(this::visit);
    }

    /** Notes what a statement itself reads and sets; blocks in it are frames of their own. */
    private void visit(Statement statement) {
        switch (statement) {
            case Statement.Print print -> load(print.value());
            case Statement.If conditional -> branches(conditional, 0);
            case Statement.For loop -> load(loop.items());
            case Statement.Set set -> {
                load(set.value());
                store(set.target());
            }
            case Statement.SetBlock set -> store(set.target());
            case Statement.FilterBlock block -> load(block.filters());
            case Statement.Macro macro -> store(macro.name());
            case Statement.CallBlock block -> load(block.call());
            case Statement.With with -> with.values().forEach(this::load);
            case Statement.Text ignored -> {}
            case Statement.Scoped ignored -> {}
            case Statement.Break ignored -> {}
            case Statement.Continue ignored -> {}
        }
    }

    private void branches(Statement.If conditional, int at) {
        load(conditional.branches().get(at).test());
        FrameNames body = copy();
        body.visit(conditional.branches().get(at).body());
        FrameNames further = copy();
        if (at == 0) {
            for (int i = 1; i < conditional.branches().size(); i++) {
                further.branches(conditional, i);
            }
        }
        FrameNames otherwise = copy();
        otherwise.visit(at == 0 ? conditional.otherwise() : List.of());
        merge(List.of(body, further, otherwise));
    }

    private FrameNames copy() {
        return new FrameNames(
                unset, outer, new HashMap<>(found), new HashSet<>(stored));
    }

    private void merge(List<FrameNames> branches) {
        Set<String> fresh = new HashSet<>();
        branches.forEach(branch -> fresh.addAll(branch.stored));
        fresh.removeAll(stored);
        for (FrameNames branch : branches) {
            found.putAll(branch.found);
            stored.addAll(branch.stored);
        }
        fresh.forEach(name -> found.put(name, Found.OUTSIDE));
    }

    private void store(Target target) {
        switch (target) {
            case Statement.NameTarget name -> store(name.name());
            case Statement.MemberTarget member -> load(member.namespace());
            case Statement.TupleTarget tuple -> tuple.targets().forEach(this::store);
        }
    }

    private void parameter(Target target) {
        switch (target) {
            case Statement.NameTarget name -> parameter(name.name());
            case Statement.MemberTarget member -> load(member.namespace());
            case Statement.TupleTarget tuple -> tuple.targets().forEach(this::parameter);
        }
    }

    /** Looks into the blocks of statements, once all is known of the frame around them. */
    private void frames(List<Statement> statements) {
        statements.forEach(this::frames);
    }

    private void frames(Statement statement) {
        switch (statement) {
            case Statement.If conditional -> {
                conditional.branches().forEach(branch -> frames(branch.body()));
                frames(conditional.otherwise());
            }
            case Statement.For loop -> {
                FrameNames inside = inner();
                inside.parameter(loop.target());
                inside.parameter("loop");
                inside.frame(loop.body());
                inner().frame(loop.otherwise());
            }
            case Statement.SetBlock set -> inner().frame(set.body());
            case Statement.FilterBlock block -> {
                FrameNames inside = inner();
                inside.load(block.filters());
                inside.frame(block.body());
            }
            case Statement.Macro macro -> macro(macro.signature(), macro.body());
            case Statement.CallBlock block -> macro(block.signature(), block.body());
            case Statement.With with -> {
                FrameNames inside = inner();
                with.targets().forEach(inside::parameter);
                inside.frame(with.body());
            }
            case Statement.Scoped scoped -> inner().frame(scoped.body());
            case Statement.Print ignored -> {}
            case Statement.Set ignored -> {}
            case Statement.Text ignored -> {}
            case Statement.Break ignored -> {}
            case Statement.Continue ignored -> {}
        }
    }

    private void macro(Statement.Signature signature, List<Statement> body) {
        FrameNames inside = inner();
        signature.parameters().forEach(inside::parameter);
        List.of("caller", "varargs", "kwargs").forEach(inside::parameter);
        signature.defaults().forEach(inside::load);
        inside.frame(body);
    }

    private void load(@Nullable Expression expression) {
        if (expression == null) {
            return;
        }
        if (++depth > DEPTH_MAX) {
            throw TemplateException.limit(
                    "an expression of the chat template nests deeper than " + DEPTH_MAX);
        }
        loadParts(expression);
        depth--;
    }

    private void loadParts(Expression expression) {
        switch (expression) {
            case Expression.Name name -> load(name.name());
            case Expression.Literal ignored -> {}
            case Expression.ListOf list -> list.items().forEach(this::load);
            case Expression.TupleOf tuple -> tuple.items().forEach(this::load);
            case Expression.MapOf map -> {
                map.keys().forEach(this::load);
                map.values().forEach(this::load);
            }
            case Expression.Attribute attribute -> load(attribute.target());
            case Expression.Item item -> load(item.target(), item.key());
            case Expression.Slice slice ->
                load(slice.target(), slice.begin(), slice.end(), slice.step());
            case Expression.Call call -> arguments(call.target(), call.arguments());
            case Expression.Filter filter -> arguments(filter.target(), filter.arguments());
            case Expression.Test test -> arguments(test.target(), test.arguments());
            case Expression.Not not -> load(not.operand());
            case Expression.Sign sign -> load(sign.operand());
            case Expression.And and -> load(and.left(), and.right());
            case Expression.Or or -> load(or.left(), or.right());
            case Expression.Arithmetic arithmetic -> load(arithmetic.left(), arithmetic.right());
            case Expression.Concatenation all -> all.parts().forEach(this::load);
            case Expression.Comparison comparison -> {
                load(comparison.first());
                comparison.rest().forEach(compared -> load(compared.operand()));
            }
            case Expression.Conditional conditional ->
                load(conditional.test(), conditional.then(), conditional.otherwise());
        }
    }

    private void load(@Nullable Expression... expressions) {
        for (Expression expression : expressions) {
            load(expression);
        }
    }

    private void arguments(Expression target, CallArguments arguments) {
        load(target);
        arguments.positional().forEach(this::load);
        arguments.named().forEach(named -> load(named.value()));
        load(arguments.spread(), arguments.spreadNamed());
    }
}
