package dev.flywheel.app.tool;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the model is to read.
 *
 * @param text as it was given or rendered; null if ids were given
 * @param adapter PEFT folder over the base for this prompt; null for the bare base
 */
public record Prompt(@Nullable String text, int[] ids, @Nullable Path adapter) {
    /** A prompt for the bare base. */
    public Prompt(@Nullable String text, int[] ids) {
        this(text, ids, null);
    }

    /** Returns the same prompt over an adapter, or over the bare base. */
    public Prompt over(@Nullable Path other) {
        return new Prompt(text, ids, other);
    }
}
