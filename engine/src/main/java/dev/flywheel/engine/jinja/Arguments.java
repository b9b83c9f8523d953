package dev.flywheel.engine.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of a call. */
record Arguments(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(@Nullable Object... positional) {
        return new Arguments(java.util.Arrays.asList(positional), Map.of());
    }

    /** Gives the arguments their places; refuses those that have none. */
    Bound bind(String callee, String... names) {
        if (positional.size() > names.length) {
            throw TemplateException.failed(
                    "%s takes at most %d arguments, got %d".formatted(callee, names.length,
                            positional.size()));
        }
        List<String> places = List.of(names);
        for (String name : named.keySet()) {
            int place = places.indexOf(name);
            if (place < 0) {
                throw TemplateException.failed(
                        "%s got an unexpected keyword argument '%s'".formatted(callee, name));
            }
            if (place < positional.size()) {
                throw TemplateException.failed(
                        "%s got multiple values for argument '%s'".formatted(callee, name));
            }
        }
        return new Bound(callee, places, this);
    }

    /** Arguments by name. */
    record Bound(String callee, List<String> names, Arguments given) {
        boolean has(String name) {
            return names.indexOf(name) < given.positional().size()
                    || given.named().containsKey(name);
        }

        @Nullable
        Object get(String name, @Nullable Object otherwise) {
            int place = names.indexOf(name);
            if (place < given.positional().size()) {
                return given.positional().get(place);
            }
            return given.named().containsKey(name) ? given.named().get(name) : otherwise;
        }

        @Nullable
        Object need(String name) {
            if (!has(name)) {
                throw TemplateException.failed(
                        "%s missing 1 required positional argument: '%s'".formatted(callee, name));
            }
            return get(name, null);
        }

        String text(String name) {
            return Kinds.text(need(name), callee + " argument '" + name + "'");
        }

        String text(String name, String otherwise) {
            return has(name) ? text(name) : otherwise;
        }

        long number(String name, long otherwise) {
            return has(name) ? Kinds.integer(get(name, null), callee + " argument '" + name + "'")
                    : otherwise;
        }

        boolean flag(String name, boolean otherwise) {
            return has(name) ? Kinds.truth(get(name, null)) : otherwise;
        }
    }
}
