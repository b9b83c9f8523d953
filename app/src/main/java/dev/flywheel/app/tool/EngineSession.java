package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A base model, with an adapter or without, run as serving runs it: all prompts in one ragged batch
 * over a paged cache.
 *
 * <p>Not thread-safe. Owns all it opened.
 */
public final class EngineSession implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 256;

    private final Backend backend;
    private final BaseModel model;
    private final AdapterSlots slots;
    private final int slot;

    private EngineSession(Backend backend, BaseModel model, AdapterSlots slots, int slot) {
        this.backend = backend;
        this.model = model;
        this.slots = slots;
        this.slot = slot;
    }

    /**
     * Loads a model folder and, over it, a PEFT folder.
     *
     * @param adapter null for the bare base
     */
    public static EngineSession open(
            Path folder, @Nullable Path adapter, String backendName, int threads,
            WeightFormat format) {
        Backend backend = Backends.open(backendName, threads);
        BaseModel model = null;
        AdapterSlots slots = null;
        try {
            model = BaseModel.load(folder, backend, format);
            LoraWeights weights =
                    adapter == null ? null
                            : PeftFolder.read(adapter, model.linearModules()).weights();
            slots = new AdapterSlots(model, 1, weights == null ? 1 : weights.config().rankMax());
            int slot = weights == null ? AdapterSlots.BASE : slots.stage(weights);
            return new EngineSession(backend, model, slots, slot);
        } catch (RuntimeException e) {
            if (slots != null) {
                slots.close();
            }
            if (model != null) {
                model.close();
            }
            backend.close();
            throw e;
        }
    }

    public BaseModel model() {
        return model;
    }

    /** Receives the scores of one prompt: row i are those of the token after position i. */
    public interface Rows {
        void take(int prompt, Logits logits, int firstRow);
    }

    /** Runs all prompts in one batch and hands out the scores after every token, or the last. */
    public void logits(List<int[]> prompts, boolean lastOnly, Rows rows) {
        prompts.forEach(prompt -> requireFits(prompt, 0));
        try (KvCache cache = cacheFor(prompts.stream().mapToInt(prompt -> prompt.length));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Chunk> chunks = new ArrayList<>();
            for (int[] prompt : prompts) {
                chunks.add(
                        new Chunk(cache.open(), prompt, slot, lastOnly ? Wanted.LAST : Wanted.ALL));
            }
            Logits logits = pass.run(chunks);
            for (int i = 0; i < chunks.size(); i++) {
                rows.take(i, logits, logits.firstRow(i));
            }
            chunks.forEach(chunk -> chunk.sequence().close());
        }
    }

    /** Chooses a token from a row of scores; the prompt's number tells which stream of luck it has. */
    public interface Choice {
        int choose(int prompt, Logits logits, int row);
    }

    /**
     * Decodes all prompts side by side.
     *
     * @param stops tokens that end an answer; the one that did is the last of its ids
     * @param each told every token as it comes, with its prompt's number first
     */
    public List<int[]> generate(
            List<int[]> prompts, int tokensMax, List<Integer> stops, Choice choice,
            Consumer<int[]> each) {
        prompts.forEach(prompt -> requireFits(prompt, tokensMax));
        try (KvCache cache =
                cacheFor(prompts.stream().mapToInt(prompt -> prompt.length + tokensMax));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                answers.add(new Answer(i, prompts.get(i), cache.open(), new ArrayList<>()));
            }
            List<Answer> live = tokensMax == 0 ? List.of() : List.copyOf(answers);
            while (!live.isEmpty()) {
                Logits logits = pass.run(live.stream().map(answer -> answer.chunk(slot)).toList());
                for (int i = 0; i < live.size(); i++) {
                    Answer answer = live.get(i);
                    int token = choice.choose(answer.index(), logits, logits.firstRow(i));
                    answer.ids().add(token);
                    each.accept(new int[] {answer.index(), token});
                }
                live = live.stream().filter(answer -> !answer.done(tokensMax, stops)).toList();
            }
            answers.forEach(answer -> answer.sequence().close());
            return answers.stream()
                    .map(answer -> answer.ids().stream().mapToInt(Integer::intValue).toArray())
                    .toList();
        }
    }

    private record Answer(int index, int[] prompt, KvSequence sequence, List<Integer> ids) {
        Chunk chunk(int slot) {
            int[] next = ids.isEmpty() ? prompt : new int[] {ids.getLast()};
            return new Chunk(sequence, next, slot, Wanted.LAST);
        }

        boolean done(int tokensMax, List<Integer> stops) {
            return ids.size() >= tokensMax || stops.contains(ids.getLast());
        }
    }

    private void requireFits(int[] prompt, int more) {
        if (prompt.length == 0) {
            throw new ToolException("a prompt has no tokens; give at least one");
        }
        long length = (long) prompt.length + more;
        if (length > model.spec().positionsMax()) {
            throw new ToolException(
                    "a prompt of %d tokens and %d more make %d, the model takes %d (max_position_embeddings)"
                            .formatted(prompt.length, more, length, model.spec().positionsMax()));
        }
        for (int id : prompt) {
            if (id < 0 || id >= model.spec().vocabSize()) {
                throw new ToolException(
                        "token id %d is not in the vocabulary, which has 0 to %d"
                                .formatted(id, model.spec().vocabSize() - 1));
            }
        }
    }

    private KvCache cacheFor(IntStream lengths) {
        long blocks = lengths.asLongStream().map(length -> length / BLOCK_TOKENS + 1).sum();
        if (blocks > Integer.MAX_VALUE / BLOCK_TOKENS) {
            throw new ToolException("the prompts are too many or too long for one batch");
        }
        return new KvCache(model, (int) Math.max(1, blocks), BLOCK_TOKENS);
    }

    @Override
    public void close() {
        slots.close();
        model.close();
        backend.close();
    }
}
