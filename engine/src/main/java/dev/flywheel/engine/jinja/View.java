package dev.flywheel.engine.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a map's {@code keys()}, {@code values()} and {@code items()} give: gone through often, never indexed. */
record View(String kind, List<@Nullable Object> items) {}
