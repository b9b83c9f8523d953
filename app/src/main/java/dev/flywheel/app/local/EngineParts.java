package dev.flywheel.app.local;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.WeightFormat;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.http.ChatModel;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.concurrent.CompletableFuture;

/**
 * The model as one process has it: one copy of the base for all that runs on its device.
 *
 * @param model folder that it came from
 * @param warm completes when kernels are compiled
 */
record EngineParts(
        Path model,
        BaseModel base,
        Tokenizer tokenizer,
        DeviceLoop device,
        CompletableFuture<Void> warm) {

    /** @throws StartException if the folder holds no model that can be run */
    static EngineParts load(RoleContext context, Path model, LoadProgress reading) {
        FlywheelConfig.Engine engine = context.config().engine();
        Closing closing = context.closing();
        Backend backend =
                closing.add("backend", () -> Backends.open(engine.backend(), engine.threads()));
        // Beside what else starts, which mostly waits: the first answers need compiled kernels.
        CompletableFuture<Void> warm = CompletableFuture.runAsync(backend::warmUp);
        BaseModel base =
                closing.add("base model", () -> read(model, backend, engine.weights(), reading));
        Tokenizer tokenizer = closing.add("tokenizer", () -> Tokenizer.load(model));
        return new EngineParts(model, base, tokenizer,
                new DeviceLoop(engine.lanes(), System::nanoTime), warm);
    }

    /** Returns the base by the name that clients of the HTTP port call it, and how it reads chats. */
    ChatModel chat(InstantSource clock) {
        return new ChatModel(model.toAbsolutePath().normalize().getFileName().toString(),
                ChatTemplates.load(model, tokenizer,
                        () -> clock.instant().atZone(ZoneId.systemDefault())));
    }

    private static BaseModel read(Path model, Backend backend, String format,
            LoadProgress reading) {
        try {
            return BaseModel.load(model, backend, WeightFormat.named(format), reading);
        } catch (ModelException e) {
            throw new StartException(
                    "model folder %s cannot be served: %s".formatted(model, e.getMessage()), e);
        }
    }
}
