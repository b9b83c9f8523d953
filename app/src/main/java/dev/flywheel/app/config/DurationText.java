package dev.flywheel.app.config;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Durations with their unit: {@code 250ms}, {@code 3s}, {@code 10m}, {@code 24h}, {@code 7d}. */
public final class DurationText {
    public static final String UNITS = "ms, s, m, h, d";

    private static final Pattern TEXT = Pattern.compile("(\\d{1,12})(ms|s|m|h|d)");
    private static final Map<String, ChronoUnit> UNIT_BY_NAME =
            Map.of(
                    "ms", ChronoUnit.MILLIS,
                    "s", ChronoUnit.SECONDS,
                    "m", ChronoUnit.MINUTES,
                    "h", ChronoUnit.HOURS,
                    "d", ChronoUnit.DAYS);

    private DurationText() {}

    /** Returns the duration, null if {@code text} is none. */
    public static @Nullable Duration read(String text) {
        Matcher matcher = TEXT.matcher(text);
        ChronoUnit unit = matcher.matches() ? UNIT_BY_NAME.get(matcher.group(2)) : null;
        return unit == null ? null : Duration.of(Long.parseLong(matcher.group(1)), unit);
    }
}
