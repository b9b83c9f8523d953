package dev.flywheel.app.cli;

import dev.flywheel.app.setting.SettingReference;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What can be set of an adapter. */
@Command(
        name = "settings",
        mixinStandardHelpOptions = true,
        description = "Prints every setting of an adapter with its effect, unit, range and what a new one is made with, as a YAML file"
                + " to start from.")
final class AdapterSettingsCommand implements Runnable {
    @Option(names = "--for", paramLabel = "WHAT", defaultValue = "corrections",
            description = "With the values that suit clicks, rates (clicks, as their probabilities), rewards (as what the slate's order"
                    + " brought) or corrections. Default: ${DEFAULT-VALUE}.") private AdapterPurpose purpose =
                            AdapterPurpose.corrections;

    @Mixin private OutputOptions output = new OutputOptions();

    /** One setting; null where a new adapter leaves it unset. */
    record Setting(String path, @Nullable String value, String effect) {}

    @Override
    public void run() {
        SettingReference reference = SettingReference.of(purpose.adapter());
        List<Setting> settings = reference.paths()
                .stream()
                .map(path -> new Setting(path, reference.value(path), reference.effect(path)))
                .toList();
        output.print(settings, reference.text().stripTrailing());
    }
}
