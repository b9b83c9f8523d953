package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * A base model and any number of adapters, run as serving runs them: all prompts in one ragged batch
 * over a paged cache, each with the adapter it names.
 *
 * <p>Not thread-safe. Owns all it opened.
 */
public final class EngineSession implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 256;

    private final Backend backend;
    private final BaseModel model;
    private final AdapterSlots slots;
    private final Map<Path, Integer> slotByAdapter;

    private EngineSession(Backend backend, BaseModel model, AdapterSlots slots,
            Map<Path, Integer> slotByAdapter) {
        this.backend = backend;
        this.model = model;
        this.slots = slots;
        this.slotByAdapter = slotByAdapter;
    }

    /**
     * Loads a model folder and, over it, PEFT folders.
     *
     * @param adapters those that prompts may name, each in a slot of its own
     */
    public static EngineSession open(
            Path folder, Set<Path> adapters, String backendName, int threads,
            WeightFormat format, LoadProgress progress) {
        Backend backend = Backends.open(backendName, threads);
        BaseModel model = null;
        AdapterSlots slots = null;
        try {
            model = BaseModel.load(folder, backend, format, progress);
            Map<Path, LoraWeights> weights = new LinkedHashMap<>();
            for (Path adapter : adapters) {
                weights.put(adapter, AdapterCheck.read(adapter, model));
            }
            slots = new AdapterSlots(model, Math.max(1, weights.size()), rankMax(weights.values()));
            Map<Path, Integer> slotByAdapter = new HashMap<>();
            for (Map.Entry<Path, LoraWeights> one : weights.entrySet()) {
                slotByAdapter.put(one.getKey(), slots.stage(one.getValue()));
            }
            return new EngineSession(backend, model, slots, slotByAdapter);
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

    private static int rankMax(Collection<LoraWeights> weights) {
        return weights.stream().mapToInt(one -> one.config().rankMax()).max().orElse(1);
    }

    private int slot(Prompt prompt) {
        Path adapter = prompt.adapter();
        return adapter == null ? AdapterSlots.BASE
                : Objects.requireNonNull(slotByAdapter.get(adapter), "adapter not opened");
    }

    public BaseModel model() {
        return model;
    }

    /** Receives the scores of one prompt: row i are those of the token after position i. */
    public interface Rows {
        void take(int prompt, Logits logits, int firstRow);
    }

    /** Runs all prompts in one batch and hands out the scores after every token, or the last. */
    public void logits(List<Prompt> prompts, boolean lastOnly, Rows rows) {
        prompts.forEach(prompt -> requireFits(prompt.ids(), 0));
        try (KvCache cache = cacheFor(prompts.stream().mapToInt(prompt -> prompt.ids().length));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Chunk> chunks = new ArrayList<>();
            for (Prompt prompt : prompts) {
                chunks.add(new Chunk(cache.open(), prompt.ids(), slot(prompt),
                        lastOnly ? Wanted.LAST : Wanted.ALL));
            }
            Logits logits = pass.run(chunks);
            for (int i = 0; i < chunks.size(); i++) {
                int rowCount = lastOnly ? 1 : prompts.get(i).ids().length;
                for (int row = 0; row < rowCount; row++) {
                    requireFinite(prompts, i, prompts.get(i).ids().length - rowCount + row,
                            logits, logits.firstRow(i) + row);
                }
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
            List<Prompt> prompts, int tokensMax, List<Integer> stops, Choice choice,
            Consumer<int[]> each) {
        prompts.forEach(prompt -> requireFits(prompt.ids(), tokensMax));
        try (KvCache cache =
                cacheFor(prompts.stream().mapToInt(prompt -> prompt.ids().length + tokensMax));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                answers.add(new Answer(i, prompts.get(i).ids(), slot(prompts.get(i)), cache.open(),
                        new ArrayList<>()));
            }
            List<Answer> live = tokensMax == 0 ? List.of() : List.copyOf(answers);
            while (!live.isEmpty()) {
                Logits logits = pass.run(live.stream().map(Answer::chunk).toList());
                for (int i = 0; i < live.size(); i++) {
                    Answer answer = live.get(i);
                    requireFinite(prompts, answer.index(), answer.sequence().length() - 1, logits,
                            logits.firstRow(i));
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

    /** What is chosen or told from scores that are no numbers would mean nothing. */
    private static void requireFinite(List<Prompt> prompts, int prompt, int position,
            Logits logits, int row) {
        float[] scores = logits.copyRow(row);
        for (int token = 0; token < scores.length; token++) {
            if (!Float.isFinite(scores[token])) {
                Path adapter = prompts.get(prompt).adapter();
                throw new ToolException(
                        "prompt %d, position %d: the score of token %d is %s; a weight of %s is not finite or far too large"
                                .formatted(prompt, position, token, scores[token],
                                        adapter == null ? "the base"
                                                : "the base or of adapter " + adapter));
            }
        }
    }

    /** Fails unless the bare base answers a fixed text with finite scores. */
    public void requireSound() {
        try (KvCache cache = new KvCache(model, Probe.cacheBlocks(BLOCK_TOKENS), BLOCK_TOKENS);
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            var unused = AdapterCheck.ofBase(pass, cache, model.spec().vocabSize());
        }
    }

    private record Answer(
            int index,
            int[] prompt,
            int slot,
            KvSequence sequence,
            List<Integer> ids) {
        Chunk chunk() {
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
