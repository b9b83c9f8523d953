package dev.flywheel.app.abuse;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a row found.
 *
 * @param text the figures that the row is about, for people
 * @param figures the same and more, for machines
 */
public record Finding(boolean held, String text, Map<String, Object> figures) {
    public Finding {
        figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
    }

    static Finding of(boolean held, Map<String, Object> figures, String text, Object... values) {
        return new Finding(held, String.format(Locale.ROOT, text, values), figures);
    }
}
