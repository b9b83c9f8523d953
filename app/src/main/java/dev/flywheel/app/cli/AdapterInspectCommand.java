package dev.flywheel.app.cli;

import dev.flywheel.app.tool.AdapterFacts;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What a PEFT folder holds. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        description = "Tells what a PEFT folder holds; fails by name on what is not supported. Needs no base model.")
final class AdapterInspectCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "PEFT folder.") private Path folder;

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        AdapterFacts facts = AdapterFacts.of(folder);
        output.print(facts, text(facts));
        return 0;
    }

    private static String text(AdapterFacts facts) {
        return String.format(Locale.ROOT,
                "digest %s%nrank %d, alpha %s%s, %,d parameters, norm %.4f, %s%n%s",
                facts.digest(), facts.rank(), facts.alpha(), facts.rsLora() ? " (rsLoRA)" : "",
                facts.parameters(), facts.norm(), facts.tensorTypes(),
                facts.modules()
                        .stream()
                        .map(module -> String.format(Locale.ROOT,
                                "  %-44s rank %-4d scale %-8.4g [%d, %d]  norm A %.4f  B %.4f",
                                module.name(), module.rank(), module.scale(), module.outFeatures(),
                                module.inFeatures(), module.normA(), module.normB()))
                        .collect(Collectors.joining("\n")));
    }
}
