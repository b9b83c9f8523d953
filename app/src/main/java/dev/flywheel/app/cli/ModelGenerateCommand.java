package dev.flywheel.app.cli;

import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.app.tool.PromptReader;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.runner.Sampler;
import dev.flywheel.serving.runner.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lets a model go on with texts. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        description = {
            "Lets the model go on with each prompt, all side by side, the most probable token each time unless told otherwise.",
            "For a chat model give --chat: its template is what the model was trained on."
        })
final class ModelGenerateCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private EngineOptions engine = new EngineOptions();
    @Mixin private PromptOptions prompts = new PromptOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "64",
            description = "Longest answer. Default: ${DEFAULT-VALUE}.") private int maxTokens = 64;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
            description = "0 takes the most probable token. Default: ${DEFAULT-VALUE}.") private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
            description = "Draws from the K most probable tokens; 0: all. Default: ${DEFAULT-VALUE}.") private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
            description = "Draws from the most probable tokens that reach this share."
                    + " Default: ${DEFAULT-VALUE}.") private double topP =
                            1;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0",
            description = "The same seed gives the same answers. Default: ${DEFAULT-VALUE}.") private long seed;

    @Option(names = "--ignore-end",
            description = "Goes on after a token that ends an answer, up to --max-tokens.") private boolean ignoreEnd;

    /**
     * One answer.
     *
     * @param ids of the answer, the token that ended it among them
     * @param finish {@code end} or {@code length}
     */
    record Answer(
            @Nullable String prompt,
            int[] promptIds,
            int[] ids,
            String text,
            String finish) {}

    @Override
    public Integer call() {
        prompts.check();
        requireSampling();
        PromptReader reader = prompts.reader(engine.folder());
        try (Tokenizer tokenizer = reader.tokenizer()) {
            List<Prompt> read = prompts.read(reader, engine.adapter);
            try (EngineSession session = engine.open(read, output.reading())) {
                List<Answer> answers = run(tokenizer, read, session);
                output.print(answers, answers.stream()
                        .map(ModelGenerateCommand::text)
                        .collect(Collectors.joining("\n")));
            }
            return 0;
        }
    }

    private void requireSampling() {
        UsageChecks.requireAtLeast(spec, "--max-tokens", maxTokens, 1);
        UsageChecks.require(spec, temperature >= 0 && Double.isFinite(temperature),
                "--temperature", temperature, "a number from 0");
        UsageChecks.requireAtLeast(spec, "--top-k", topK, 0);
        UsageChecks.require(spec, topP > 0 && topP <= 1, "--top-p", topP, "above 0 and at most 1");
    }

    private List<Answer> run(Tokenizer tokenizer, List<Prompt> read, EngineSession session) {
        List<Integer> ends = ignoreEnd ? List.of() : List.copyOf(tokenizer.eosIds());
        List<Sampler> samplers = new ArrayList<>();
        for (int i = 0; i < read.size(); i++) {
            samplers.add(new Sampler(new Sampling(temperature, topK, topP, seed + i),
                    read.get(i).ids()));
        }
        List<int[]> ids = session.generate(read, maxTokens, ends,
                (prompt, logits, row) -> samplers.get(prompt).sample(logits, row).id(),
                unused -> {});
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            int[] answer = ids.get(i);
            boolean ended = answer.length > 0 && ends.contains(answer[answer.length - 1]);
            answers.add(new Answer(read.get(i).text(), read.get(i).ids(), answer,
                    going(tokenizer, read.get(i).ids(), answer), ended ? "end" : "length"));
        }
        return answers;
    }

    private static String text(Answer answer) {
        return (answer.prompt() == null ? "" : answer.prompt()) + answer.text();
    }

    /** The answer as it goes on from its prompt: some tokenizers begin a text without its first blank. */
    private static String going(Tokenizer tokenizer, int[] prompt, int[] answer) {
        int[] both = Arrays.copyOf(prompt, prompt.length + answer.length);
        System.arraycopy(answer, 0, both, prompt.length, answer.length);
        String before = tokenizer.decode(prompt);
        String whole = tokenizer.decode(both);
        return whole.startsWith(before) ? whole.substring(before.length())
                : tokenizer.decode(answer);
    }
}
