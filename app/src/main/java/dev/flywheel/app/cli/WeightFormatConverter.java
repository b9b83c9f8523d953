package dev.flywheel.app.cli;

import dev.flywheel.engine.model.WeightFormat;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the value of {@code --weights}. */
final class WeightFormatConverter implements ITypeConverter<WeightFormat> {
    @Override
    public WeightFormat convert(String value) {
        try {
            return WeightFormat.named(value);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
