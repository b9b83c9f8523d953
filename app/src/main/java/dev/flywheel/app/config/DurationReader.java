package dev.flywheel.app.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import java.io.IOException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads durations with their unit: {@code 250ms}, {@code 3s}, {@code 10m}, {@code 24h}, {@code 7d}. */
final class DurationReader extends StdDeserializer<Duration> {
    private static final long serialVersionUID = 1L;
    private static final Pattern TEXT = Pattern.compile("(\\d{1,12})(ms|s|m|h|d)");

    DurationReader() {
        super(Duration.class);
    }

    @Override
    public Duration deserialize(JsonParser parser, DeserializationContext context)
            throws IOException {
        String text = parser.getText();
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw context.weirdStringException(
                    text, Duration.class,
                    "expected a number with a unit out of ms, s, m, h, d, e.g. 250ms");
        }
        return amount(Long.parseLong(matcher.group(1)), matcher.group(2));
    }

    private static Duration amount(long number, String unit) {
        switch (unit) {
            case "ms" :
                return Duration.ofMillis(number);
            case "s" :
                return Duration.ofSeconds(number);
            case "m" :
                return Duration.ofMinutes(number);
            case "h" :
                return Duration.ofHours(number);
            default :
                return Duration.ofDays(number);
        }
    }
}
