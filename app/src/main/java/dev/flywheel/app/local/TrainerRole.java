package dev.flywheel.app.local;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundLimits;
import dev.flywheel.trainer.server.RoundWorker;
import dev.flywheel.trainer.server.TrainerService;
import java.net.InetSocketAddress;
import java.util.List;

/** Runs rounds, for whoever asks for them. */
final class TrainerRole {
    private TrainerRole() {}

    /** Starts a trainer and returns the server by which the round driver reaches it. */
    static InternalServer start(RoleContext context, EngineParts engine, StoreClient store,
            InetSocketAddress address) {
        FlywheelConfig config = context.config();
        Closing closing = context.closing();
        RoundLimits limits =
                new RoundLimits(config.engine().trainingRowsMax(), config.engine().rankMax());
        Round round =
                closing.add(
                        "round",
                        () -> new Round(engine.base(), engine.tokenizer(),
                                ModelAnchors.read(engine.model(), engine.tokenizer()),
                                engine.device(), limits, System::nanoTime));
        RoundMetrics listener = new RoundMetrics(context.meters(), config.metrics().adaptersMax(),
                context.end()::complete);
        listener.watch(engine.device());
        TrainerService trainer =
                closing.add(
                        "trainer",
                        () -> new TrainerService(
                                new RoundWorker(store, round, Gate.DEFAULT),
                                ModuleSettings.trainer(config, context.name()),
                                listener));
        return closing.add(
                "trainer server",
                () -> InternalServer.start(List.of(trainer, trainer.health()),
                        config.server().messageBytesMax(), address));
    }
}
