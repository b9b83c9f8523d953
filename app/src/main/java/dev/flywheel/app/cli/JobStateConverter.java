package dev.flywheel.app.cli;

import dev.flywheel.app.cluster.JobState;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the value of {@code --state}. */
final class JobStateConverter implements ITypeConverter<JobState> {
    @Override
    public JobState convert(String value) {
        return switch (value) {
            case "newest" -> JobState.NEWEST;
            case "none" -> JobState.NONE;
            default -> throw new TypeConversionException(
                    "'%s' is neither newest nor none".formatted(value));
        };
    }
}
