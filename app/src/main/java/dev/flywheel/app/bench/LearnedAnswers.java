package dev.flywheel.app.bench;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.SftObjective;
import dev.flywheel.trainer.pretrain.Prompts;
import dev.flywheel.trainer.pretrain.World;
import dev.flywheel.trainer.pretrain.WorldFact;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Answers that come one by one, as corrections do: each is predicted first and then learned by an
 * adapter over the base, so that what it costs is its prequential loss.
 *
 * <p>They are facts of the built-in base's world that it was never told, asked in several wordings:
 * guesses at first, known after a few. Immutable and thread-safe.
 *
 * @param examples each a prompt whose answer's tokens are the targets
 */
record LearnedAnswers(List<PackedBatch> examples) {
    private static final int RANK = 8;
    private static final List<String> TARGETS = List.of(
            "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");
    private static final AdamW STEP = new AdamW(2e-3f, 0.9f, 0.99f, 1e-8f, 1e-3f);

    LearnedAnswers {
        examples = List.copyOf(examples);
    }

    /** Draws so many questions, with what the answers are. */
    static LearnedAnswers draw(Tokenizer tokenizer, int count, long seed) {
        SeededRandom random = new SeededRandom(seed).split("answers");
        List<WorldFact> facts = World.standard().unknown();
        return new LearnedAnswers(Stream.generate(() -> random.pick(facts))
                .map(fact -> example(
                        tokenizer.encode(Prompts.question(random.pick(fact.questions()))),
                        tokenizer.encodeWithoutSpecial(" " + fact.answer())))
                .limit(count)
                .toList());
    }

    private static PackedBatch example(int[] prompt, int[] answer) {
        int[] read = Arrays.copyOf(prompt, prompt.length + answer.length - 1);
        System.arraycopy(answer, 0, read, prompt.length, answer.length - 1);
        PackedBatch.Builder batch = PackedBatch.builder();
        int segment = batch.segment(read);
        for (int i = 0; i < answer.length; i++) {
            batch.target(batch.row(segment, prompt.length - 1 + i), answer[i]);
        }
        return batch.build();
    }

    /** Returns how many tokens are predicted. */
    int tokens() {
        return examples.stream().mapToInt(example -> example.targets().size()).sum();
    }

    /** Returns the mean loss of an answer's token in nats, the base staying as it is. */
    double logLossUnlearned(BaseModel model) {
        try (TrainingPass pass = pass(model)) {
            double sum = 0;
            for (PackedBatch example : examples) {
                sum -= Arrays.stream(pass.forward(example, null)).sum();
            }
            return sum / tokens();
        }
    }

    /**
     * Returns the mean loss of an answer's token in nats, each predicted by what was learned from
     * the answers before it.
     *
     * @param seed of the adapter that learns
     */
    double prequentialLogLoss(BaseModel model, long seed) {
        LoraWeights start = LoraWeights.start(
                LoraConfig.of(RANK, 2 * RANK, targets(model)), model.linearModules(), seed);
        try (TrainingPass pass = pass(model);
                TrainableAdapter adapter = TrainableAdapter.of(model, start, null)) {
            double sum = 0;
            for (PackedBatch example : examples) {
                double[] logProbs = pass.forward(example, adapter);
                sum -= Arrays.stream(logProbs).sum();
                double[] ones = new double[logProbs.length];
                Arrays.fill(ones, 1);
                Loss loss = SftObjective.loss(logProbs, ones);
                pass.backward(loss.gradient(), 0);
                adapter.step(STEP, 1);
            }
            return sum / tokens();
        }
    }

    /** A base with experts in every layer has no feed-forward module to aim at. */
    private static List<String> targets(BaseModel model) {
        return TARGETS.stream()
                .filter(target -> model.linearModules()
                        .keySet()
                        .stream()
                        .anyMatch(module -> module.endsWith("." + target)))
                .toList();
    }

    private TrainingPass pass(BaseModel model) {
        int rows = examples.stream().mapToInt(PackedBatch::rows).max().orElse(1);
        return new TrainingPass(model, new DeviceLoop(1, System::nanoTime), rows);
    }
}
