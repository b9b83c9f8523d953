package dev.flywheel.app.cli;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.app.tool.PromptReader;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What a model expects after each token. */
@Command(
        name = "logits",
        mixinStandardHelpOptions = true,
        description = {
            "Runs all prompts in one mixed batch and tells what the model expects after them.",
            "--out writes every row: tensors logits.0, logits.1, ... of shape [tokens, vocabulary], F32, in"
                    + " the order of the prompts."
        })
final class ModelLogitsCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    private static final long ELEMENTS_MAX = 1L << 28;

    @Mixin private EngineOptions engine = new EngineOptions();
    @Mixin private PromptOptions prompts = new PromptOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--out", paramLabel = "FILE",
            description = "Writes all rows as safetensors. Default: none.") private @Nullable Path out;

    @Option(names = "--last",
            description = "Only the row after the last token of each prompt.") private boolean last;

    @Option(names = "--top", paramLabel = "N", defaultValue = "5",
            description = "Most probable tokens told for each last row. Default: ${DEFAULT-VALUE}.") private int top =
                    5;

    /** A token that may come next. */
    record Candidate(int id, String text, float logit, double logProb) {}

    /**
     * One prompt.
     *
     * @param argmax most probable token of each row
     * @param next most probable tokens of the last row
     */
    record Row(@Nullable String text, int[] ids, int rows, int[] argmax, List<Candidate> next) {}

    @Override
    public Integer call() {
        prompts.check();
        if (out != null) {
            Outputs.requireFile("--out", out);
        }
        UsageChecks.requireAtLeast(spec, "--top", top, 0);
        PromptReader reader = prompts.reader(engine.folder());
        try (Tokenizer tokenizer = reader.tokenizer()) {
            List<Prompt> read = prompts.read(reader, engine.adapter);
            try (EngineSession session = engine.open(read, output.reading())) {
                requireBounded(read, session.model().spec().vocabSize());
                List<Row> rows = run(tokenizer, read, session);
                output.print(rows, rows.stream()
                        .map(ModelLogitsCommand::text)
                        .collect(Collectors.joining("\n")));
            }
            return 0;
        }
    }

    private List<Row> run(Tokenizer tokenizer, List<Prompt> read, EngineSession session) {
        List<Row> rows = new ArrayList<>();
        SafetensorsWriter writer = new SafetensorsWriter();
        session.logits(read, last, (prompt, logits, first) -> {
            int count = last ? 1 : read.get(prompt).ids().length;
            rows.add(row(tokenizer, read.get(prompt), logits, first, count));
            if (out != null) {
                writer.add("logits." + prompt, flat(logits, first, count), count,
                        logits.vocabSize());
            }
        });
        write(writer);
        return rows;
    }

    private void requireBounded(List<Prompt> read, int vocabSize) {
        long rows =
                last ? read.size() : read.stream().mapToLong(prompt -> prompt.ids().length).sum();
        if (rows * vocabSize > ELEMENTS_MAX) {
            throw new StartException(
                    "%d rows of %d logits are more than %d; give --last, or fewer or shorter prompts"
                            .formatted(rows, vocabSize, ELEMENTS_MAX));
        }
    }

    private static float[] flat(Logits logits, int first, int count) {
        float[] all = new float[count * logits.vocabSize()];
        for (int i = 0; i < count; i++) {
            System.arraycopy(logits.copyRow(first + i), 0, all, i * logits.vocabSize(),
                    logits.vocabSize());
        }
        return all;
    }

    private void write(SafetensorsWriter writer) {
        if (out == null) {
            return;
        }
        try {
            Files.write(out, writer.toBytes());
        } catch (IOException e) {
            throw new StartException(
                    "--out %s cannot be written (%s); give another file".formatted(out,
                            FileProblem.words(e)),
                    e);
        }
    }

    private Row row(Tokenizer tokenizer, Prompt prompt, Logits logits, int first, int count) {
        int lastRow = first + count - 1;
        float[] scores = logits.copyRow(lastRow);
        List<Candidate> next = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -scores[id])
                        .thenComparing(id -> id))
                .limit(top)
                .map(id -> new Candidate(id, tokenizer.decode(new int[] {id}, false), scores[id],
                        logits.logProb(lastRow, id)))
                .toList();
        int[] argmax = IntStream.range(first, first + count).map(logits::argMax).toArray();
        return new Row(prompt.text(), prompt.ids(), count, argmax, next);
    }

    private static String text(Row row) {
        return Arrays.toString(row.ids()) + row.next()
                .stream()
                .map(one -> "\n  %8.4f  %6d  %s".formatted(one.logProb(), one.id(), one.text()))
                .collect(Collectors.joining());
    }
}
