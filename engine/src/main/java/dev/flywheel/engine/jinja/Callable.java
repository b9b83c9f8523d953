package dev.flywheel.engine.jinja;

import org.jspecify.annotations.Nullable;

/** What a template may call. */
interface Callable {
    @Nullable
    Object call(Arguments arguments);
}
