package dev.flywheel.app.cli;

import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.ModelFacts;
import dev.flywheel.serving.settings.RankSettings;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What a model folder holds. */
@Command(
        name = "info",
        mixinStandardHelpOptions = true,
        description = {
            "Reads a whole model folder as a node would, runs it on a fixed text, and tells what it is; fails by name on what the"
                    + " engine does not run.",
            "Beside it stands whether a node starts on it with the default settings (field verdict: ok, or the reason and what"
                    + " to set)."
        })
final class ModelInfoCommand implements Callable<Integer> {
    @Mixin private EngineOptions engine = new EngineOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        try (EngineSession session = engine.open(output.reading())) {
            session.requireSound();
            ModelFacts facts = ModelFacts.of(engine.folder(), session.model(),
                    RankSettings.defaults());
            output.print(facts, text(facts));
            return 0;
        }
    }

    private static String text(ModelFacts facts) {
        return String.format(Locale.ROOT,
                """
                        %s, %,d parameters, %,d bytes %s
                        digest      %s
                        layers      %d of width %d, %d heads, %d key-value heads of %d
                        positions   %d
                        vocabulary  %d, tokenizer %d, ends with %s
                        chat        %s
                        files       %s
                        node        %s""",
                facts.architecture(), facts.parameters(), facts.weightBytes(), facts.tensorTypes(),
                facts.digest(), facts.spec().layers(), facts.spec().hiddenSize(),
                facts.spec().heads(),
                facts.spec().kvHeads(), facts.spec().headDim(), facts.spec().positionsMax(),
                facts.spec().vocabSize(), facts.tokenizer().vocabSize(), facts.tokenizer().eosIds(),
                facts.tokenizer().chatTemplates().isEmpty() ? "no template"
                        : facts.tokenizer().chatTemplates(),
                String.join(", ", facts.files()),
                facts.verdict().equals("ok") ? "starts on it with the default settings"
                        : "does not start on it with the default settings: " + facts.verdict());
    }
}
