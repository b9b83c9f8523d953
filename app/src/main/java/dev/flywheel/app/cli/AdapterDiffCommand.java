package dev.flywheel.app.cli;

import dev.flywheel.app.tool.AdapterDifference;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** How two adapters differ. */
@Command(
        name = "diff",
        mixinStandardHelpOptions = true,
        description = {
            "Compares what two PEFT folders add to a base model, module by module: scale, rank and matrices may differ where"
                    + " their product does not.",
            "Exit code 0 if their weights are the same, 1 if not, as diff does."
        })
final class AdapterDiffCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "FIRST", description = "PEFT folder.") private Path first;

    @Parameters(index = "1", paramLabel = "SECOND",
            description = "PEFT folder.") private Path second;

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        AdapterDifference difference = AdapterDifference.of(first, second);
        output.print(difference, text(difference));
        return difference.same() ? 0 : 1;
    }

    private static String head(AdapterDifference difference) {
        if (difference.same()) {
            return "the same weights, digest " + difference.firstDigest();
        }
        return difference.relative() == null
                ? String.format(Locale.ROOT,
                        "the first changes nothing (it was not trained), the second's change has norm %.4g",
                        difference.difference())
                : String.format(Locale.ROOT, "the changes differ by %.4g of the first's",
                        difference.relative());
    }

    private static String text(AdapterDifference difference) {
        return head(difference) + difference.modules()
                .stream()
                .map(module -> String.format(Locale.ROOT,
                        "%n  %-44s norms %.5g and %.5g, difference %.5g, at most %.5g",
                        module.name(), module.firstNorm(), module.secondNorm(), module.difference(),
                        module.largest()))
                .collect(Collectors.joining());
    }
}
