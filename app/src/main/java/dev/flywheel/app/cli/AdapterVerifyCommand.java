package dev.flywheel.app.cli;

import dev.flywheel.app.tool.AdapterCheck;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Whether an adapter fits a base model. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = {
            "Checks that a PEFT folder fits a base model as a node does before it serves: every tensor, shape and value, and"
                    + " the digests that flywheel.json names, if there is one; then runs it.",
            "Exit code 1, and the reason, if anything is wrong."
        })
final class AdapterVerifyCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "PEFT folder.") private Path folder;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    @Mixin private DeviceOptions device = new DeviceOptions();

    @Option(names = "--weights", paramLabel = "FORMAT", defaultValue = "stored",
            converter = WeightFormatConverter.class,
            description = "How the base's linear layers are held: stored, q8 or q4; to each belong adapters of its own."
                    + " Default: ${DEFAULT-VALUE}.") private WeightFormat weights =
                            WeightFormat.STORED;

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        device.check(spec);
        AdapterCheck check = AdapterCheck.of(
                folder, ModelFolder.find(model), device.backend, device.threads, weights,
                output.reading());
        output.print(check, String.format(Locale.ROOT,
                "fits: %d modules, norm %.4f, changes a logit by up to %.4g%s%ndigest %s%nbase   %s, made for %s%nprobe  %s",
                check.modules(), check.norm(), check.effect(),
                check.changesNothing() ? " (nothing: it was not trained)" : "",
                check.digest(), check.baseDigest(),
                check.baseModel() == null ? "one it does not name" : check.baseModel(),
                check.probeFingerprint()));
        return 0;
    }
}
