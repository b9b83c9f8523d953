package dev.flywheel.engine.jinja;

import org.jspecify.annotations.Nullable;

/** A macro of a template, which knows its name. */
record Macro(String name, Callable body) implements Callable {
    @Override
    public @Nullable Object call(Arguments arguments) {
        return body.call(arguments);
    }

    @Nullable
    Object member(String member) {
        return switch (member) {
            case "name" -> name;
            case "arguments", "catch_kwargs", "catch_varargs", "caller", "explicit_caller" ->
                throw TemplateException.unsupported("'" + member + "' of a macro");
            default -> Undefined.member(member, this);
        };
    }
}
