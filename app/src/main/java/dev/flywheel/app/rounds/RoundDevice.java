package dev.flywheel.app.rounds;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Closing;
import dev.flywheel.app.local.ModelAnchors;
import dev.flywheel.app.local.StartException;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.WeightFormat;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundLimits;
import java.nio.file.Path;

/** What rounds run on: backend, base and tokenizer, as a node with the same settings has them. Not thread-safe. */
public final class RoundDevice implements AutoCloseable {
    private final Closing closing = new Closing();
    private final Round round;

    private RoundDevice(FlywheelConfig config, Path model, LoadProgress reading) {
        FlywheelConfig.Engine engine = config.engine();
        Backend backend =
                closing.add("backend", () -> Backends.open(engine.backend(), engine.threads()));
        BaseModel base = closing.add("base model", () -> BaseModel.load(model, backend,
                WeightFormat.named(engine.weights()), reading));
        Tokenizer tokenizer = closing.add("tokenizer", () -> Tokenizer.load(model));
        RoundLimits limits = new RoundLimits(engine.trainingRowsMax(), engine.rankMax());
        this.round = closing.add("round", () -> new Round(base, tokenizer,
                ModelAnchors.read(model, tokenizer), new DeviceLoop(1, System::nanoTime), limits,
                System::nanoTime));
    }

    /**
     * Loads the base.
     *
     * @throws StartException if its folder cannot be used
     */
    public static RoundDevice open(FlywheelConfig config, Path model, LoadProgress reading) {
        try {
            return new RoundDevice(config, model, reading);
        } catch (ModelException e) {
            throw new StartException(
                    "model folder %s cannot be used: %s".formatted(model, e.getMessage()), e);
        }
    }

    public Round round() {
        return round;
    }

    @Override
    public void close() {
        closing.close();
    }
}
