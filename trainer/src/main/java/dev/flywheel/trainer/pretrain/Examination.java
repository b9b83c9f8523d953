package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Asks a finished model what it was taught, on texts it has not seen, through the same forward pass
 * that serves.
 *
 * <p>Not thread-safe; closes what it opens.
 */
public final class Examination implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 1024;
    private static final int ANSWER_TOKENS_MAX = 12;

    private final BaseModel model;
    private final Tokenizer tokenizer;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final ForwardPass pass;
    private final int yes;
    private final int no;

    private Examination(Path folder, Backend backend) {
        this.model = BaseModel.load(folder, backend);
        this.tokenizer = Tokenizer.load(folder);
        this.slots = new AdapterSlots(model, 1, 1);
        this.cache = new KvCache(model, ROWS_MAX / BLOCK_TOKENS, BLOCK_TOKENS);
        this.pass = new ForwardPass(model, slots, cache, ROWS_MAX);
        this.yes = singleToken(Prompts.YES);
        this.no = singleToken(Prompts.NO);
    }

    private int singleToken(String answer) {
        int[] ids = tokenizer.encodeWithoutSpecial(answer);
        if (ids.length != 1) {
            throw new IllegalStateException(
                    "'" + answer + "' is " + ids.length + " tokens, verdicts need one");
        }
        return ids[0];
    }

    /**
     * One figure.
     *
     * @param value from 0 to 1, larger is better
     */
    public record Mark(String name, double value) {}

    /** Measures a model folder with {@code count} texts of each kind. */
    static List<Mark> of(
            Path folder, Backend backend, Corpus corpus, SeededRandom random, int count) {
        try (Examination exam = new Examination(folder, backend)) {
            return exam.marks(corpus, random, count);
        }
    }

    private List<Mark> marks(Corpus corpus, SeededRandom random, int count) {
        List<Mark> marks = new ArrayList<>();
        List<Document> stated = corpus.many(corpus::plainVerdict, count, random);
        marks.add(new Mark("verdict_accuracy", verdictAccuracy(stated)));
        marks.add(new Mark("verdict_auc", auc(stated)));
        marks.add(new Mark("topic_accuracy", exact(corpus.many(corpus::topic, count, random))));
        marks.add(new Mark("reading_accuracy", exact(corpus.many(corpus::reading, count, random))));
        marks.add(new Mark("copy_accuracy", exact(corpus.many(corpus::password, count, random))));
        marks.add(new Mark("fact_accuracy_unseen_wording", facts(corpus.world().known(), true)));
        marks.add(new Mark("fact_accuracy_seen_wording", facts(corpus.world().known(), false)));
        List<Document> histories = corpus.many(corpus::givenHistory, count, random);
        marks.add(new Mark("history_auc", auc(histories)));
        marks.add(new Mark("history_accuracy", verdictAccuracy(histories)));
        return marks;
    }

    private double facts(List<WorldFact> facts, boolean unseen) {
        List<Document> documents = new ArrayList<>();
        for (WorldFact fact : facts) {
            String question =
                    unseen
                            ? fact.questions().get(fact.unseenQuestion())
                            : fact.seenQuestions().getFirst();
            documents.add(
                    Document.of(Skill.FACT, Prompts.question(question), " " + fact.answer()));
        }
        return exact(documents);
    }

    /** Returns the share of first answers that greedy decoding gives word for word. */
    private double exact(List<Document> documents) {
        long right =
                documents.stream()
                        .filter(document -> answer(document.prompt()).equals(document.answer()))
                        .count();
        return (double) right / documents.size();
    }

    /** Returns what the model answers greedily, up to the end of the text. */
    private String answer(String prompt) {
        List<Integer> answer = new ArrayList<>();
        try (KvSequence sequence = cache.open()) {
            int[] tokens = tokenizer.encodeWithoutSpecial(prompt);
            while (answer.size() < ANSWER_TOKENS_MAX) {
                int next = run(sequence, tokens).argMax(0);
                if (next == tokenizer.eosId()) {
                    break;
                }
                answer.add(next);
                tokens = new int[] {next};
            }
        }
        return tokenizer.decode(answer.stream().mapToInt(Integer::intValue).toArray());
    }

    private Logits run(KvSequence sequence, int[] tokens) {
        return pass.run(List.of(new Chunk(sequence, tokens, AdapterSlots.BASE, Wanted.LAST)));
    }

    private record Verdict(double score, boolean likes) {}

    /** Judges the first text of each document, as Rank does: logit of yes minus logit of no. */
    private List<Verdict> verdicts(List<Document> documents) {
        List<Verdict> verdicts = new ArrayList<>();
        for (Document document : documents) {
            try (KvSequence sequence = cache.open()) {
                Logits logits = run(sequence, tokenizer.encodeWithoutSpecial(document.prompt()));
                verdicts.add(
                        new Verdict(
                                logits.logit(0, yes) - logits.logit(0, no),
                                document.answer().equals(Prompts.YES)));
            }
        }
        return verdicts;
    }

    private double verdictAccuracy(List<Document> documents) {
        List<Verdict> verdicts = verdicts(documents);
        long right = verdicts.stream().filter(v -> (v.score() > 0) == v.likes()).count();
        return (double) right / verdicts.size();
    }

    /** Returns the chance that a liked text scores above one that is not. */
    private double auc(List<Document> documents) {
        List<Verdict> ascending = new ArrayList<>(verdicts(documents));
        ascending.sort(Comparator.comparingDouble(Verdict::score));
        double wins = 0;
        long passed = 0;
        for (Verdict verdict : ascending) {
            if (verdict.likes()) {
                wins += passed;
            } else {
                passed++;
            }
        }
        return wins / Math.max(1, passed * (ascending.size() - passed));
    }

    @Override
    public void close() {
        pass.close();
        cache.close();
        slots.close();
        tokenizer.close();
        model.close();
    }
}
