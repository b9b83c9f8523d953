package dev.flywheel.app.oracle;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.model.BaseModel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Keeps the base model that was asked for last: neighbouring cases often share one. Not thread-safe. */
final class Bases implements AutoCloseable {
    private final Backend backend;
    private @Nullable Path folder;
    private @Nullable BaseModel model;

    Bases(Backend backend) {
        this.backend = backend;
    }

    Backend backend() {
        return backend;
    }

    /** Loads a model; it is closed when another is asked for. */
    BaseModel load(Path wanted) {
        BaseModel kept = model;
        if (kept != null && wanted.equals(folder)) {
            return kept;
        }
        close();
        BaseModel fresh = BaseModel.load(wanted, backend);
        folder = wanted;
        model = fresh;
        return fresh;
    }

    @Override
    public void close() {
        if (model != null) {
            model.close();
        }
        model = null;
        folder = null;
    }
}
