package dev.flywheel.app.cli;

import dev.flywheel.app.local.Role;
import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the role of {@code run}. */
final class RoleConverter implements ITypeConverter<Role> {
    @Override
    public Role convert(String value) {
        return Arrays.stream(Role.values())
                .filter(role -> role.label().equals(value))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException(
                        "'%s' is no role, allowed are %s".formatted(value,
                                Arrays.stream(Role.values())
                                        .map(Role::label)
                                        .collect(Collectors.joining(", ")))));
    }
}
