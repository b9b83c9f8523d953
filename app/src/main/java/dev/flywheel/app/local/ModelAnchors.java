package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.trainer.round.AnchorSet;
import java.io.IOException;
import java.nio.file.Path;

/** The anchors in a model's folder, which its rounds hold to. */
public final class ModelAnchors {
    private ModelAnchors() {}

    /**
     * Reads them.
     *
     * @throws StartException if they cannot be read
     */
    public static AnchorSet read(Path model, Tokenizer tokenizer) {
        try {
            return AnchorSet.load(model, tokenizer);
        } catch (IOException e) {
            throw new StartException(
                    "anchors of model folder %s cannot be read (%s); see to the rights of its files"
                            .formatted(model, FileProblem.words(e)),
                    e);
        }
    }
}
