package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.training.FullTraining;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.pretrain.BatchMaker.TokenizedDocument;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A quick look at a model in training: on a few held-out documents of each skill, the share of answer
 * tokens it finds likelier than all others together. Not thread-safe.
 */
final class SkillProbe {
    private static final List<Skill> WITH_ANSWERS =
            List.of(Skill.TOPIC, Skill.VERDICT, Skill.FACT, Skill.READING, Skill.HISTORY);

    private final FullTraining training;
    private final Map<Skill, PackedBatch> batches = new EnumMap<>(Skill.class);

    SkillProbe(FullTraining training, Corpus corpus, BatchMaker maker, SeededRandom random) {
        this.training = training;
        for (Skill skill : WITH_ANSWERS) {
            batches.put(skill, batch(corpus, maker, skill, training.rowsMax(), random));
        }
    }

    private static PackedBatch batch(
            Corpus corpus, BatchMaker maker, Skill skill, int rowsMax, SeededRandom random) {
        PackedBatch.Builder batch = PackedBatch.builder();
        int rows = 0;
        while (true) {
            TokenizedDocument document = maker.tokenized(
                    skill == Skill.VERDICT
                            ? corpus.plainVerdict(random)
                            : corpus.next(skill, random));
            rows += document.ids().length - 1;
            if (rows > rowsMax) {
                return batch.build();
            }
            addAnswers(batch, document);
        }
    }

    private static void addAnswers(PackedBatch.Builder batch, TokenizedDocument document) {
        int[] ids = document.ids();
        int segment = batch.segment(Arrays.copyOf(ids, ids.length - 1));
        for (int i = 0; i + 1 < ids.length; i++) {
            // The end of the text is easy and would flatter.
            if (document.answer()[i + 1] && i + 2 < ids.length) {
                batch.target(batch.row(segment, i), ids[i + 1]);
            }
        }
    }

    Map<Skill, Double> look() {
        Map<Skill, Double> marks = new EnumMap<>(Skill.class);
        batches.forEach(
                (skill, batch) -> marks.put(
                        skill,
                        Arrays.stream(training.logProbs(batch))
                                .map(logProb -> Math.exp(logProb) > 0.5 ? 1 : 0)
                                .average()
                                .orElse(0)));
        return marks;
    }
}
