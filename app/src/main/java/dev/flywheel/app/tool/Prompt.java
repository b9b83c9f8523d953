package dev.flywheel.app.tool;

import org.jspecify.annotations.Nullable;

/**
 * What the model is to read.
 *
 * @param text as it was given or rendered; null if ids were given
 */
public record Prompt(@Nullable String text, int[] ids) {}
