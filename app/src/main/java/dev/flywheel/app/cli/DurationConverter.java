package dev.flywheel.app.cli;

import dev.flywheel.app.config.DurationText;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads durations as settings write them. */
final class DurationConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
        Duration duration = DurationText.read(value);
        if (duration == null) {
            throw new TypeConversionException(
                    "'%s' is no duration; give a number with a unit of %s, such as 30s"
                            .formatted(value, DurationText.UNITS));
        }
        return duration;
    }
}
