package dev.flywheel.app.bench;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.WeightFormat;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.trainer.pretrain.Corpus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Runs a base over texts of our own generator as stored and quantized, side by side, and has each
 * learn the same answers.
 *
 * <p>The texts follow from the seed. They are those that the built-in base was made from, drawn anew;
 * another base reads them too, though they say less about it.
 */
public final class QuantizationRun {
    private static final List<WeightFormat> FORMATS = List.of(WeightFormat.Q8, WeightFormat.Q4);

    /** Rows of logits held at once. */
    private static final int ROWS_MAX = 256;

    private final Path folder;
    private final String backend;
    private final int threads;
    private final int texts;
    private final int answers;
    private final long seed;

    /**
     * @param texts to compare logits over
     * @param answers to learn one by one
     */
    public QuantizationRun(
            Path folder, String backend, int threads, int texts, int answers, long seed) {
        this.folder = folder;
        this.backend = backend;
        this.threads = threads;
        this.texts = texts;
        this.answers = answers;
        this.seed = seed;
    }

    /** Measures; {@code progress} is told how many texts are done. */
    public QuantizationReport measure(IntConsumer progress) {
        try (EngineSession stored = open(WeightFormat.STORED);
                EngineSession eight = open(FORMATS.getFirst());
                EngineSession four = open(FORMATS.getLast());
                Tokenizer tokenizer = Tokenizer.load(folder)) {
            List<int[]> prompts = prompts(tokenizer, stored.model().spec().positionsMax());
            List<EngineSession> sessions = List.of(stored, eight, four);
            List<LogitDistance> distances =
                    List.of(new LogitDistance(), new LogitDistance(), new LogitDistance());
            for (int from = 0; from < prompts.size();) {
                int to = batchEnd(prompts, from);
                compare(prompts.subList(from, to), sessions, distances);
                progress.accept(to);
                from = to;
            }
            return report(
                    sessions, distances, LearnedAnswers.draw(tokenizer, answers, seed));
        }
    }

    private EngineSession open(WeightFormat format) {
        return EngineSession.open(
                folder, Set.of(), backend, threads, format, LoadProgress.NONE);
    }

    private List<int[]> prompts(Tokenizer tokenizer, int positionsMax) {
        Corpus corpus = new Corpus();
        SeededRandom random = new SeededRandom(seed);
        return Stream.generate(() -> tokenizer.encode(corpus.next(random).text()))
                .map(ids -> Arrays.copyOf(
                        ids, Math.min(ids.length, Math.min(positionsMax, ROWS_MAX))))
                .filter(ids -> ids.length > 1)
                .limit(texts)
                .toList();
    }

    private static int batchEnd(List<int[]> prompts, int from) {
        int rows = 0;
        int to = from;
        while (to < prompts.size()
                && (to == from || rows + prompts.get(to).length <= ROWS_MAX)) {
            rows += prompts.get(to).length;
            to++;
        }
        return to;
    }

    private static void compare(
            List<int[]> prompts, List<EngineSession> sessions, List<LogitDistance> distances) {
        List<float[][]> expected = new ArrayList<>();
        List<Prompt> read = prompts.stream().map(ids -> new Prompt(null, ids)).toList();
        sessions.getFirst().logits(read, false, (prompt, logits, first) -> {
            float[][] rows = new float[prompts.get(prompt).length][];
            Arrays.setAll(rows, i -> logits.copyRow(first + i));
            expected.add(rows);
        });
        for (int i = 0; i < sessions.size(); i++) {
            LogitDistance distance = distances.get(i);
            sessions.get(i)
                    .logits(read, false,
                            (prompt, logits, first) -> distance.add(expected.get(prompt), logits,
                                    first, prompts.get(prompt)));
        }
    }

    private QuantizationReport report(
            List<EngineSession> sessions, List<LogitDistance> distances, LearnedAnswers learned) {
        BaseModel base = sessions.getFirst().model();
        double stored = distances.getFirst().logLoss();
        double storedPrequential = learned.prequentialLogLoss(base, seed);
        List<QuantizationReport.Figures> formats = new ArrayList<>();
        for (int i = 1; i < sessions.size(); i++) {
            BaseModel model = sessions.get(i).model();
            LogitDistance distance = distances.get(i);
            double prequential = learned.prequentialLogLoss(model, seed);
            formats.add(
                    new QuantizationReport.Figures(
                            model.format().label(),
                            distance.relative(),
                            distance.centred(),
                            distance.logLoss(),
                            distance.logLoss() / stored - 1,
                            prequential,
                            prequential / storedPrequential - 1,
                            distance.sameArgMax(),
                            bitsPerWeight(model),
                            QuantizationReport.allowed(model.format())));
        }
        return new QuantizationReport(
                folder.toString(), seed, texts, distances.getFirst().rows(), stored,
                new QuantizationReport.Learned(
                        answers, learned.tokens(), learned.logLossUnlearned(base),
                        storedPrequential),
                bitsPerWeight(base), formats);
    }

    private static double bitsPerWeight(BaseModel model) {
        List<Buffer> weights =
                model.weights()
                        .layers()
                        .stream()
                        .flatMap(layer -> Stream.concat(
                                layer.linears().stream().map(linear -> linear.weight()),
                                layer.experts() == null
                                        ? Stream.<Buffer>of()
                                        : layer.experts()
                                                .experts()
                                                .stream()
                                                .flatMap(expert -> Stream.of(expert.gate(),
                                                        expert.up(), expert.down()))))
                        .toList();
        double bits =
                weights.stream().mapToDouble(w -> 8.0 * w.dtype().bytes(w.elements())).sum();
        return bits / weights.stream().mapToLong(Buffer::elements).sum();
    }
}
