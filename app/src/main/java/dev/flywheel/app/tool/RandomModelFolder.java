package dev.flywheel.app.tool;

import dev.flywheel.engine.model.NamedShape;
import dev.flywheel.engine.model.RandomModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;

/** A model folder of a known shape: random weights, and the tokenizer of another model. */
public final class RandomModelFolder {
    private static final List<String> TOKENIZER =
            List.of("tokenizer.json", "tokenizer_config.json");

    private final Path folder;
    private final RandomModel model;

    /**
     * Copies the tokenizer; nothing else is written yet.
     *
     * @param folder exists and is empty
     * @param other model folder whose tokenizer is taken
     */
    public RandomModelFolder(Path folder, NamedShape shape, Path other) throws IOException {
        this.folder = folder;
        for (String file : TOKENIZER) {
            Files.copy(other.resolve(file), folder.resolve(file));
        }
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            int eosId = Objects.requireNonNull(tokenizer.eosIds().getFirst());
            this.model = new RandomModel(shape.spec(0, eosId));
        }
    }

    /** Returns how many weights there are. */
    public long parameters() {
        return model.parameters();
    }

    /**
     * Writes the weights; the same shape and seed give the same files on every machine.
     *
     * @param progress is told how many are written
     */
    public void write(long seed, LongConsumer progress) throws IOException {
        model.write(folder, seed, progress);
    }
}
