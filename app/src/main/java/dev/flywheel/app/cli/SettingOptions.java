package dev.flywheel.app.cli;

import dev.flywheel.app.setting.SettingFile;
import dev.flywheel.app.setting.SettingTree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What is to be set of an adapter: a file first, then single settings over it. */
final class SettingOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--settings", paramLabel = "FILE",
            description = "YAML or JSON file of settings, as ./flywheel adapter settings prints them; only what it holds is set, an"
                    + " empty value unsets.") private @Nullable Path file;

    @Option(names = "--set", paramLabel = "PATH=VALUE",
            description = "One setting, such as round.learning_rate=0.001 or learning.click.loss=binary. May be repeated.") private List<
                    String> set = new ArrayList<>();

    @Option(names = "--unset", paramLabel = "PATH",
            description = "Setting, or group of settings, that is to say nothing any more. May be repeated.") private List<
                    String> unset = new ArrayList<>();

    boolean none() {
        return file == null && set.isEmpty() && unset.isEmpty();
    }

    void lay(SettingTree settings) {
        if (file != null) {
            SettingFile.lay(file, settings);
        }
        for (String path : unset) {
            on("--unset", () -> settings.unset(path));
        }
        for (String each : set) {
            int equals = each.indexOf('=');
            if (equals < 1) {
                throw UsageChecks.wrong(spec,
                        "--set is '%s', it must be PATH=VALUE, such as round.steps=2"
                                .formatted(each));
            }
            on("--set", () -> settings.set(each.substring(0, equals).strip(),
                    each.substring(equals + 1).strip()));
        }
    }

    private void on(String option, Runnable change) {
        try {
            change.run();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
        }
    }
}
