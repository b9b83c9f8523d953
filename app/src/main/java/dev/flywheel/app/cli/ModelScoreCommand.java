package dev.flywheel.app.cli;

import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.app.tool.PromptReader;
import dev.flywheel.app.tool.ToolException;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How probable a model finds texts. */
@Command(
        name = "score",
        mixinStandardHelpOptions = true,
        description = {
            "Tells how probable the model finds each continuation after each prompt: natural logarithms, per token and summed.",
            "Without a continuation, the prompts themselves from their second token on."
        })
final class ModelScoreCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private EngineOptions engine = new EngineOptions();
    @Mixin private PromptOptions prompts = new PromptOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--continuation", paramLabel = "TEXT",
            description = "A text that may follow. May be repeated.") private List<
                    String> continuations =
                            new ArrayList<>();

    @Option(names = "--continuation-ids", paramLabel = "LIST",
            description = "Token ids that may follow. May be repeated.") private List<
                    String> continuationIds =
                            new ArrayList<>();

    /**
     * One text after one prompt.
     *
     * @param ids scored tokens
     * @param logProbs of each
     * @param perplexity exp of minus their mean
     */
    record Score(
            @Nullable String prompt,
            @Nullable String continuation,
            int[] ids,
            double[] logProbs,
            double sum,
            double mean,
            double perplexity) {}

    private record Task(Prompt prompt, @Nullable Prompt continuation, int[] ids, int from) {
        static Task of(Prompt prompt, Prompt continuation) {
            int[] ids =
                    Arrays.copyOf(prompt.ids(), prompt.ids().length + continuation.ids().length);
            System.arraycopy(continuation.ids(), 0, ids, prompt.ids().length,
                    continuation.ids().length);
            return new Task(prompt, continuation, ids, prompt.ids().length);
        }
    }

    @Override
    public Integer call() {
        prompts.check();
        continuationIds.forEach(
                list -> UsageChecks.requireIds(spec, "--continuation-ids", list));
        PromptReader reader = prompts.reader(engine.folder());
        try (Tokenizer tokenizer = reader.tokenizer()) {
            List<Task> tasks = tasks(reader);
            try (EngineSession session =
                    engine.open(tasks.stream().map(Task::prompt).toList(), output.reading())) {
                List<Score> scores = run(tasks, session);
                output.print(scores, scores.stream()
                        .map(ModelScoreCommand::text)
                        .collect(Collectors.joining("\n")));
            }
            return 0;
        }
    }

    /** One text at a time: scores of every row of all texts could fill the memory. */
    private static List<Score> run(List<Task> tasks, EngineSession session) {
        List<Score> scores = new ArrayList<>();
        for (Task task : tasks) {
            session.logits(List.of(new Prompt(null, task.ids(), task.prompt().adapter())), false,
                    (unused, logits, first) -> scores.add(score(task, logits, first)));
        }
        return scores;
    }

    private List<Task> tasks(PromptReader reader) {
        List<Prompt> follow = new ArrayList<>();
        continuations.forEach(text -> follow.add(reader.continuation(text)));
        continuationIds.forEach(list -> follow.add(PromptReader.ids(list)));
        List<Task> tasks = new ArrayList<>();
        for (Prompt prompt : prompts.read(reader, engine.adapter)) {
            follow.forEach(continuation -> tasks.add(Task.of(prompt, continuation)));
            if (follow.isEmpty()) {
                tasks.add(new Task(prompt, null, prompt.ids(), 1));
            }
        }
        for (Task task : tasks) {
            if (task.from() == 0 || task.ids().length <= task.from()) {
                throw new ToolException(
                        "nothing to score: a prompt needs a token, and after it one more to be scored");
            }
        }
        return tasks;
    }

    private static Score score(Task task, Logits logits, int first) {
        int[] ids = Arrays.copyOfRange(task.ids(), task.from(), task.ids().length);
        double[] logProbs = new double[ids.length];
        for (int i = 0; i < ids.length; i++) {
            logProbs[i] = logits.logProb(first + task.from() + i - 1, ids[i]);
        }
        double sum = Arrays.stream(logProbs).sum();
        double mean = sum / ids.length;
        Prompt continuation = task.continuation();
        return new Score(task.prompt().text(), continuation == null ? null : continuation.text(),
                ids,
                logProbs, sum, mean, Math.exp(-mean));
    }

    private static String text(Score score) {
        String shown = score.continuation() != null ? score.continuation()
                : score.prompt() != null ? score.prompt()
                : Arrays.toString(score.ids());
        return String.format(Locale.ROOT, "%10.4f  perplexity %10.3f  %s", score.sum(),
                score.perplexity(), shown);
    }
}
