package dev.flywheel.app.local;

import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.config.HttpLimits;
import dev.flywheel.app.config.ServingConfig;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.SignalRule;
import dev.flywheel.feedback.attribution.SignalRules;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.kafka.ImpressionPublisher;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.CheckpointTimes;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.round.RoundPace;
import dev.flywheel.pipelines.round.ServerTargets;
import dev.flywheel.pipelines.stage.EvaluationLimits;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.DeviceSettings;
import dev.flywheel.serving.settings.HttpSettings;
import dev.flywheel.serving.settings.MeterSettings;
import dev.flywheel.serving.settings.RankSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.SwapSettings;
import dev.flywheel.serving.settings.TlsFiles;
import dev.flywheel.serving.settings.TransportSettings;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.queue.QueueLimits;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.server.TrainerSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Hands each module its share of the settings. */
final class ModuleSettings {
    /** Blobs of the largest size that may be on their way into the store at once. */
    private static final long UPLOADS = 4;

    private ModuleSettings() {}

    static StoreSettings store(FlywheelConfig config) {
        Limits d = Limits.DEFAULT;
        FlywheelConfig.Store store = config.store();
        return new StoreSettings(
                new Retention(
                        store.versionsKept(),
                        store.snapshotEvery(),
                        Retention.DEFAULT.orphanBlobsKept(),
                        store.manifestsKept()),
                new Limits(
                        store.adaptersMax(),
                        store.aliasesMax(),
                        store.openManifestsMax(),
                        d.examplesMax(),
                        store.manifestBytesMax(),
                        store.blobBytesMax(),
                        UPLOADS * store.blobBytesMax(),
                        d.listMax(),
                        store.watchersMax(),
                        store.watchQueueMax(),
                        d.commandsMax(),
                        d.textMax()));
    }

    static TrainerSettings trainer(FlywheelConfig config, String nodeId) {
        return new TrainerSettings(
                nodeId,
                config.trainer().roundsWaitingMax(),
                config.trainer().repliesKept(),
                config.engine().trainingRowsMax(),
                config.engine().rankMax(),
                config.trainer().retryAfter(),
                config.trainer().abandonedGrace(),
                Gate.DEFAULT);
    }

    /** @param keys the credentials known now */
    static ServingSettings serving(FlywheelConfig config, String nodeId, Supplier<KeyRing> keys) {
        return new ServingSettings(
                nodeId,
                device(config.engine()),
                swaps(config.serving().versions()),
                requests(config.serving()),
                rank(config.serving().rank()),
                transport(config),
                access(config.access(), keys),
                config.loop().tokenLifetime(),
                config.loop().feedbackBytesMax(),
                new MeterSettings(config.metrics().adaptersMax(),
                        config.metrics().refreshInterval()));
    }

    static CheckpointTimes checkpoints(FlywheelConfig.Loop loop) {
        return new CheckpointTimes(loop.checkpointInterval(), loop.checkpointTimeout());
    }

    static LoopSettings loop(
            FlywheelConfig config, String brokers, Topics topics, ServerTargets servers,
            Path tokenKeys) {
        FlywheelConfig.Loop loop = config.loop();
        return new LoopSettings(
                brokers,
                topics,
                servers,
                tokenKeys,
                new AttributionSettings(
                        signals(config.signals()),
                        loop.tokenLifetime(),
                        loop.orphanTimeout(),
                        loop.negativeSamplingRate(),
                        loop.eventsPerImpressionMax(),
                        loop.heldBytesPerImpressionMax(),
                        loop.heldBytesMax(),
                        loop.rememberedBytesMax()),
                loop.orphanTimeoutMax(),
                loop.answerBytesMax(),
                loop.outOfOrderness(),
                loop.nodeLease(),
                guards(config),
                loop.usersRemembered(),
                new RoundPace(
                        loop.roundLinger(),
                        loop.trainTimeout(),
                        loop.callBackoffMin(),
                        loop.callBackoffMax(),
                        loop.roundAttemptsMax(),
                        loop.repairsEvery(),
                        loop.forgetsAfter(),
                        loop.bufferedExamplesMax()),
                new EvaluationLimits(
                        loop.evaluationWindow(),
                        loop.evaluationBytesMax(),
                        loop.orphanTimeoutMax(),
                        loop.usersRemembered()),
                1,
                reader(loop));
    }

    private static SignalRules signals(FlywheelConfig.Signals signals) {
        return SignalRules.of(Map.of(
                "click", rule(signals.click()),
                "dismiss", rule(signals.dismiss()),
                "rating", rule(signals.rating()),
                "reward", rule(signals.reward()),
                "thumb", rule(signals.thumb()),
                "correction", rule(signals.correction()),
                "preference", rule(signals.preference())));
    }

    private static SignalRule rule(FlywheelConfig.WatchedSignal signal) {
        return rule(signal.loss(), signal.observation(), signal.rendered(), signal.attribution(),
                signal.weight(), signal.klWeight());
    }

    private static SignalRule rule(FlywheelConfig.SpokenSignal signal) {
        return rule(signal.loss(), Duration.ZERO, Duration.ZERO, signal.attribution(),
                signal.weight(), signal.klWeight());
    }

    private static SignalRule rule(String loss, Duration observation, Duration rendered,
            Duration attribution, double weight, double klWeight) {
        return new SignalRule(Loss.valueOf("LOSS_" + loss.toUpperCase(Locale.ROOT)),
                observation.toMillis(), rendered.toMillis(), attribution.toMillis(), weight,
                klWeight < 0 ? null : klWeight);
    }

    /** How records of the event topics are read. */
    static IntakeReader reader(FlywheelConfig.Loop loop) {
        return new IntakeReader(loop.feedbackBytesMax(), loop.confluentFraming());
    }

    static QueueLimits spool(FlywheelConfig config) {
        return new QueueLimits(config.serving().spoolBytesMax(),
                ImpressionPublisher.IMPRESSION_BYTES_MAX);
    }

    static PublisherSettings publisher(
            FlywheelConfig config, String brokers, Topics topics, String nodeId) {
        FlywheelConfig.Loop loop = config.loop();
        return PublisherSettings.of(brokers, topics, nodeId, loop.heartbeatInterval())
                .withBufferBytes(loop.publisherBufferBytes());
    }

    /** The adapter that is made at the first start: it learns from clicks and from corrections. */
    static AdapterSettings adapter(FlywheelConfig.Adapter adapter) {
        AdapterSettings defaults = AdapterSettings.teacher().withTenant(adapter.tenant());
        return defaults
                .withLora(
                        defaults.lora()
                                .toBuilder()
                                .setRank(adapter.rank())
                                .setAlpha(adapter.alpha())
                                .build())
                .withRound(
                        defaults.round()
                                .toBuilder()
                                .setLearningRate(adapter.learningRate())
                                .setSteps(adapter.steps())
                                .setGradientClip(adapter.gradientClip())
                                .setSftTargetLoss(adapter.sftTargetLoss())
                                .setSftStepsMax(adapter.sftStepsMax())
                                .setAnchorsPerStep(adapter.anchorsPerStep())
                                .setAnchorWeight(adapter.anchorWeight())
                                .build());
    }

    private static GuardProfiles guards(FlywheelConfig config) {
        Map<String, GuardProfile> byTenant = new HashMap<>();
        config.loop()
                .tenantGuardProfiles()
                .forEach((tenant, name) -> byTenant.put(tenant,
                        guard(name, Objects.requireNonNull(config.guardProfiles().get(name)))));
        return new GuardProfiles(guard(config.loop().guardProfile(), config.guard()), byTenant);
    }

    private static GuardProfile guard(String name, FlywheelConfig.GuardProfile profile) {
        return new GuardProfile(
                name,
                profile.examplesPerUserMax(),
                profile.window(),
                profile.roundShareMax(),
                profile.consentRequired(),
                new GuardProfile.Budgets(
                        profile.clicksPerHourMax(),
                        profile.thumbsPerHourMax(),
                        profile.correctionsPerHourMax()),
                new GuardProfile.Crowd(
                        profile.examplesPerItemMax(),
                        profile.newcomerShareMax(),
                        profile.newcomerPeriod()));
    }

    private static DeviceSettings device(FlywheelConfig.Engine engine) {
        return new DeviceSettings(
                engine.adapterSlots(),
                engine.rankMax(),
                engine.kvBlocks(),
                engine.kvBlockTokens(),
                engine.rowsMax());
    }

    private static SwapSettings swaps(ServingConfig.Versions versions) {
        return new SwapSettings(versions.hostBytesMax(), versions.warmTokensMax(),
                versions.warmTimeMax());
    }

    private static RequestSettings requests(ServingConfig serving) {
        return new RequestSettings(
                serving.requestsWaitingMax(),
                serving.requestsPerTenantMax(),
                serving.requestsRunningMax(),
                serving.tokensWaitingMax(),
                serving.queueTimeMax(),
                serving.deadlineDefault(),
                serving.deadlineMax(),
                serving.candidatesMax(),
                serving.continuationsMax(),
                serving.tokensMax(),
                serving.tokensDefault(),
                serving.textCharsMax(),
                serving.stallTimeout());
    }

    private static RankSettings rank(ServingConfig.Rank rank) {
        return new RankSettings(
                rank.contextTemplate(),
                rank.candidateTemplate(),
                rank.accept(),
                rank.reject(),
                rank.temperature(),
                rank.epsilon(),
                rank.propensityMin());
    }

    private static AccessSettings access(FlywheelConfig.Access access, Supplier<KeyRing> keys) {
        return new AccessSettings(keys,
                access.keysFile().isBlank() ? Role.read(access.localRoles()) : Set.of());
    }

    private static Optional<TlsFiles> tls(FlywheelConfig.Server server) {
        return server.tlsCertificate().isBlank() ? Optional.empty()
                : Optional.of(new TlsFiles(Path.of(server.tlsCertificate()),
                        Path.of(server.tlsKey()),
                        Optional.of(server.tlsClientAuthorities())
                                .filter(path -> !path.isBlank())
                                .map(Path::of)));
    }

    private static TransportSettings transport(FlywheelConfig config) {
        FlywheelConfig.Server server = config.server();
        HttpLimits http = config.http();
        return new TransportSettings(
                server.host(),
                server.port(),
                server.adminPort(),
                tls(server),
                new HttpSettings(server.httpPort(), http.connectionsMax(), http.requestTimeout(),
                        http.idleTimeout()),
                server.messageBytesMax(),
                server.metadataBytesMax(),
                server.connectionsMax(),
                server.connectionIdleTimeout(),
                server.callsPerConnectionMax(),
                server.resetsPerWindowMax(),
                server.resetWindow(),
                server.keepAliveMin(),
                server.drainTimeout(),
                server.reflection());
    }
}
