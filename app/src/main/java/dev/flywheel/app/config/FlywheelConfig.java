package dev.flywheel.app.config;

import dev.flywheel.api.access.Role;
import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.Loss;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * All settings of a process, as one tree. {@code reference.yaml} holds each key with its default,
 * unit and reason; each record refuses what is out of range when it is made.
 */
public record FlywheelConfig(
        Server server,
        HttpLimits http,
        Access access,
        Data data,
        Engine engine,
        ServingConfig serving,
        Loop loop,
        Signals signals,
        Map<String, GuardProfile> guardProfiles,
        Store store,
        Trainer trainer,
        Adapter adapter,
        Metrics metrics,
        Audit audit,
        ConsoleConfig console,
        OpeConfig ope,
        Processes processes) {

    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
    private static final Pattern ADAPTER_NAME =
            Pattern.compile("[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?");

    public FlywheelConfig {
        if (!guardProfiles.containsKey(loop.guardProfile())) {
            throw new ConfigException(
                    "loop.guard_profile is %s, known under guard_profiles: %s"
                            .formatted(loop.guardProfile(), guardProfiles.keySet()));
        }
        loop.tenantGuardProfiles()
                .forEach((tenant, profile) -> Check.oneOf("loop.tenant_guard_profiles." + tenant,
                        profile, List.copyOf(new TreeSet<>(guardProfiles.keySet()))));
        guardProfiles.forEach((name, profile) -> profile.check("guard_profiles." + name));
        signals.check(loop.tokenLifetime());
        Check.within("adapter.rank (at most engine.rank_max)", adapter.rank(), 1, engine.rankMax());
        Engine.requireCache(
                engine.kvBlocks(), engine.kvBlockTokens(), serving.tokensMax() + 1,
                "serving.tokens_max and one token of prompt");
    }

    /** Returns the guard profile in force. */
    public GuardProfile guard() {
        GuardProfile profile = guardProfiles.get(loop.guardProfile());
        if (profile == null) {
            throw new IllegalStateException("checked when the settings were read");
        }
        return profile;
    }

    /** Where clients reach the node. */
    public record Server(
            String host,
            int port,
            int adminPort,
            int httpPort,
            String tlsCertificate,
            String tlsKey,
            String tlsClientAuthorities,
            int messageBytesMax,
            int metadataBytesMax,
            int connectionsMax,
            Duration connectionIdleTimeout,
            int callsPerConnectionMax,
            int resetsPerWindowMax,
            Duration resetWindow,
            Duration keepAliveMin,
            Duration drainTimeout,
            boolean reflection) {
        public Server {
            Check.notBlank("server.host", host);
            Check.within("server.port", port, 0, 65_535);
            Check.within("server.admin_port", adminPort, 0, 65_535);
            Check.within("server.http_port", httpPort, -1, 65_535);
            if (tlsCertificate.isBlank() != tlsKey.isBlank()) {
                throw new ConfigException(
                        "server.tls_certificate is \"%s\" and server.tls_key \"%s\"; set both or none"
                                .formatted(tlsCertificate, tlsKey));
            }
            if (!tlsClientAuthorities.isBlank() && tlsCertificate.isBlank()) {
                throw new ConfigException(
                        "server.tls_client_authorities is \"%s\", it needs server.tls_certificate and server.tls_key"
                                .formatted(tlsClientAuthorities));
            }
            Check.within("server.message_bytes_max", messageBytesMax, 1_024, 67_108_864);
            Check.within("server.metadata_bytes_max", metadataBytesMax, 1_024, 1_048_576);
            Check.within("server.connections_max", connectionsMax, 1, 1_000_000);
            Check.positive("server.connection_idle_timeout", connectionIdleTimeout);
            Check.within("server.calls_per_connection_max", callsPerConnectionMax, 1, 100_000);
            Check.within("server.resets_per_window_max", resetsPerWindowMax, 1, 100_000);
            Check.wholeSeconds("server.reset_window", resetWindow);
            Check.positive("server.keep_alive_min", keepAliveMin);
            Check.positive("server.drain_timeout", drainTimeout);
        }
    }

    /** Who is let in. */
    public record Access(String keysFile, Duration keysCheck, String localRoles) {
        public Access {
            Check.positive("access.keys_check", keysCheck);
            try {
                var unused = Role.read(localRoles);
            } catch (IllegalArgumentException e) {
                throw new ConfigException("access.local_roles: " + e.getMessage());
            }
        }
    }

    /** What a process keeps on disk. */
    public record Data(int freeMibMin, Duration checkInterval, int logMibMax) {
        public Data {
            Check.within("data.free_mib_min", freeMibMin, 1, 1_048_576);
            Check.positive("data.check_interval", checkInterval);
            Check.within("data.log_mib_max", logMibMax, 0, 1_024);
        }
    }

    /** The device and its memory. */
    public record Engine(
            String backend,
            String weights,
            int threads,
            int lanes,
            int adapterSlots,
            int rankMax,
            int kvBlocks,
            int kvBlockTokens,
            int rowsMax,
            int trainingRowsMax) {
        /** Four texts of eight tokens, of which blocks may be filled in part only. */
        private static final int PROBE_TOKENS = 64;

        public Engine {
            Check.oneOf("engine.backend", backend, List.of("cpu", "reference"));
            Check.oneOf("engine.weights", weights, List.of("stored", "q8", "q4"));
            Check.within("engine.threads", threads, 1, 256);
            Check.within("engine.lanes", lanes, 1, 2);
            Check.within("engine.adapter_slots", adapterSlots, 2, 10_000);
            Check.within("engine.rank_max", rankMax, 1, 256);
            Check.within("engine.kv_blocks", kvBlocks, 1, 10_000_000);
            Check.within("engine.kv_block_tokens", kvBlockTokens, 1, 1_024);
            Check.within(
                    "engine.kv_blocks times engine.kv_block_tokens",
                    (double) kvBlocks * kvBlockTokens,
                    1,
                    Integer.MAX_VALUE);
            Check.within("engine.rows_max", rowsMax, 2, 65_536);
            Check.within("engine.training_rows_max", trainingRowsMax, 16, 65_536);
            requireCache(kvBlocks, kvBlockTokens, PROBE_TOKENS, "the probe of a version");
        }

        private static void requireCache(int blocks, int blockTokens, int tokens, String what) {
            if ((long) blocks * blockTokens < tokens) {
                throw new ConfigException(
                        "engine.kv_blocks times engine.kv_block_tokens is %d tokens, at least %d are needed (%s); raise engine.kv_blocks"
                                .formatted((long) blocks * blockTokens, tokens, what));
            }
        }
    }

    /** From events to rounds. */
    public record Loop(
            String env,
            int brokerPort,
            int partitions,
            Duration topicRetention,
            Duration orphanTimeout,
            Duration orphanTimeoutMax,
            Duration outOfOrderness,
            Duration nodeLease,
            double negativeSamplingRate,
            int eventsPerImpressionMax,
            long heldBytesPerImpressionMax,
            long heldBytesMax,
            long answerBytesMax,
            long rememberedBytesMax,
            Duration roundLinger,
            Duration trainTimeout,
            int bufferedExamplesMax,
            Duration checkpointInterval,
            Duration checkpointTimeout,
            int roundAttemptsMax,
            Duration repairsEvery,
            Duration forgetsAfter,
            Duration callBackoffMin,
            Duration callBackoffMax,
            int publisherBufferBytes,
            Duration heartbeatInterval,
            Duration tokenLifetime,
            int feedbackBytesMax,
            boolean confluentFraming,
            String guardProfile,
            Map<String, String> tenantGuardProfiles,
            Duration usersRemembered,
            Duration evaluationWindow,
            long evaluationBytesMax) {
        public Loop {
            Check.matches("loop.env", env, NAME);
            Check.within("loop.partitions", partitions, 1, 1_000);
            Check.atLeast("loop.topic_retention", topicRetention, Duration.ofHours(1));
            Check.positive("loop.orphan_timeout", orphanTimeout);
            Check.notShorter("loop.orphan_timeout_max", orphanTimeoutMax, "loop.orphan_timeout",
                    orphanTimeout);
            Check.atMostTenYears("loop.out_of_orderness", outOfOrderness);
            Check.atMostTenYears("loop.round_linger", roundLinger);
            Check.within("loop.broker_port", brokerPort, 0, 65_535);
            Check.within("loop.negative_sampling_rate", negativeSamplingRate, 0, 1);
            Check.within("loop.events_per_impression_max", eventsPerImpressionMax, 1, 1_000_000);
            Check.within("loop.held_bytes_per_impression_max", heldBytesPerImpressionMax, 1, 1e9);
            Check.within("loop.held_bytes_max", heldBytesMax, heldBytesPerImpressionMax, 1e12);
            Check.within("loop.answer_bytes_max", answerBytesMax, 1, 1e12);
            Check.within("loop.remembered_bytes_max", rememberedBytesMax, 1_048_576, 1e13);
            Check.positive("loop.train_timeout", trainTimeout);
            Check.within("loop.buffered_examples_max", bufferedExamplesMax, 1, 1_000_000);
            Check.atLeast("loop.checkpoint_interval", checkpointInterval, Duration.ofMillis(100));
            Check.atLeast("loop.checkpoint_timeout", checkpointTimeout, Duration.ofSeconds(1));
            Check.within("loop.round_attempts_max", roundAttemptsMax, 1, 1_000);
            Check.positive("loop.repairs_every", repairsEvery);
            Check.positive("loop.forgets_after", forgetsAfter);
            Check.positive("loop.call_backoff_min", callBackoffMin);
            Check.notShorter(
                    "loop.call_backoff_max", callBackoffMax, "loop.call_backoff_min",
                    callBackoffMin);
            Check.within("loop.publisher_buffer_bytes", publisherBufferBytes, 1_048_576,
                    Integer.MAX_VALUE);
            Check.positive("loop.heartbeat_interval", heartbeatInterval);
            Check.notShorter("loop.node_lease", nodeLease, "loop.heartbeat_interval",
                    heartbeatInterval);
            Check.positive("loop.token_lifetime", tokenLifetime);
            // Below, no token would fit in; above, no dead letter into what Kafka takes by default.
            Check.within("loop.feedback_bytes_max", feedbackBytesMax, 8_192, 524_288);
            Check.atMostTenYears("loop.users_remembered", usersRemembered);
            Check.positive("loop.evaluation_window", evaluationWindow);
            Check.within("loop.evaluation_bytes_max", evaluationBytesMax, 1 << 20, 1L << 40);
        }
    }

    /** How each signal is learned from, where an adapter has no settings of its own. */
    public record Signals(
            WatchedSignal click,
            SpokenSignal dismiss,
            SpokenSignal rating,
            WatchedSignal reward,
            SpokenSignal thumb,
            SpokenSignal correction,
            SpokenSignal preference) {

        private void check(Duration tokenLifetime) {
            click.check("click", tokenLifetime);
            dismiss.check("dismiss", tokenLifetime);
            rating.check("rating", tokenLifetime);
            reward.check("reward", tokenLifetime);
            thumb.check("thumb", tokenLifetime);
            correction.check("correction", tokenLifetime);
            preference.check("preference", tokenLifetime);
        }
    }

    /** A signal that says something where it comes. */
    public record SpokenSignal(String loss, Duration attribution, double weight, double klWeight) {
        private void check(String signal, Duration tokenLifetime) {
            String key = "signals." + signal;
            Check.oneOf(key + ".loss", loss, lossesOf(signal));
            Check.positive(key + ".attribution", attribution);
            Check.notShorter("loop.token_lifetime", tokenLifetime, key + ".attribution",
                    attribution);
            Check.within(key + ".weight", weight, 1e-6, 1e6);
            Check.within(key + ".kl_weight (-1: the round's)", klWeight, -1, 1e6);
        }

        private static List<String> lossesOf(String signal) {
            return SignalLosses.of(signal).stream().map(SpokenSignal::name).toList();
        }

        private static String name(Loss loss) {
            return loss.name().substring("LOSS_".length()).toLowerCase(Locale.ROOT);
        }
    }

    /** A signal that says something also where it does not come. */
    public record WatchedSignal(
            String loss,
            Duration observation,
            Duration rendered,
            Duration attribution,
            double weight,
            double klWeight) {
        private void check(String signal, Duration tokenLifetime) {
            new SpokenSignal(loss, attribution, weight, klWeight).check(signal, tokenLifetime);
            String key = "signals." + signal;
            Check.atMostTenYears(key + ".rendered", rendered);
            Check.notShorter(key + ".attribution", attribution, key + ".observation", observation);
        }
    }

    /** How far one user may steer a model; checked with the tree, which knows the profile's name. */
    public record GuardProfile(
            int examplesPerUserMax,
            Duration window,
            double roundShareMax,
            boolean consentRequired,
            int clicksPerHourMax,
            int thumbsPerHourMax,
            int correctionsPerHourMax,
            int examplesPerItemMax,
            double newcomerShareMax,
            Duration newcomerPeriod) {
        private void check(String key) {
            Check.within(key + ".examples_per_user_max", examplesPerUserMax, 0, 1e9);
            Check.positive(key + ".window", window);
            Check.within(key + ".round_share_max", roundShareMax, 0, 1);
            Check.within(key + ".clicks_per_hour_max", clicksPerHourMax, 0, 1e9);
            Check.within(key + ".thumbs_per_hour_max", thumbsPerHourMax, 0, 1e9);
            Check.within(key + ".corrections_per_hour_max", correctionsPerHourMax, 0, 1e9);
            Check.within(key + ".examples_per_item_max", examplesPerItemMax, 0, 1e9);
            Check.within(key + ".newcomer_share_max", newcomerShareMax, 0, 1);
            Check.atMostTenYears(key + ".newcomer_period", newcomerPeriod);
        }
    }

    /** Versions at rest. */
    public record Store(
            int adaptersMax,
            int aliasesMax,
            int openManifestsMax,
            int manifestBytesMax,
            int blobBytesMax,
            int versionsKept,
            int snapshotEvery,
            Duration manifestsKept,
            int watchersMax,
            int watchQueueMax) {
        public Store {
            Check.within("store.adapters_max", adaptersMax, 1, 10_000_000);
            Check.within("store.aliases_max", aliasesMax, 2, 10_000);
            Check.within("store.open_manifests_max", openManifestsMax, 1, 1_000);
            Check.within("store.manifest_bytes_max", manifestBytesMax, 65_536, 268_435_456);
            Check.within("store.blob_bytes_max", blobBytesMax, 1_048_576, 1_073_741_824);
            Check.within("store.watchers_max", watchersMax, 4, 1_000_000);
            Check.within("store.versions_kept", versionsKept, 2, 1_000_000);
            Check.within("store.snapshot_every", snapshotEvery, 1, 1_000_000);
            Check.atLeast("store.manifests_kept", manifestsKept, Duration.ofHours(1));
            Check.within("store.watch_queue_max", watchQueueMax, 16, 1_000_000);
        }
    }

    /** Rounds on spare capacity. */
    public record Trainer(
            int roundsWaitingMax,
            int repliesKept,
            Duration retryAfter,
            Duration abandonedGrace) {
        public Trainer {
            Check.within("trainer.rounds_waiting_max", roundsWaitingMax, 1, 100_000);
            Check.within("trainer.replies_kept", repliesKept, 1, 100_000);
            Check.positive("trainer.retry_after", retryAfter);
            Check.positive("trainer.abandoned_grace", abandonedGrace);
        }
    }

    /** The adapter that is made at the first start. */
    public record Adapter(
            String name,
            String tenant,
            int rank,
            double alpha,
            double learningRate,
            int steps,
            double gradientClip,
            double sftTargetLoss,
            int sftStepsMax,
            int anchorsPerStep,
            double anchorWeight) {
        public Adapter {
            Check.within("adapter.rank", rank, 1, 256);
            Check.within("adapter.alpha", alpha, 0.001, 10_000);
            Check.within("adapter.learning_rate", learningRate, 1e-9, 1);
            Check.within("adapter.steps", steps, 1, 1_000);
            Check.within("adapter.gradient_clip", gradientClip, 0, 1e6);
            Check.within("adapter.sft_target_loss", sftTargetLoss, 0, 100);
            Check.within("adapter.sft_steps_max", sftStepsMax, 0, 1_000);
            Check.within("adapter.anchors_per_step", anchorsPerStep, 0, 1_000);
            Check.within("adapter.anchor_weight", anchorWeight, 0, 1_000);
            Check.matches("adapter.name", name, ADAPTER_NAME);
            Check.matches("adapter.tenant", tenant, NAME);
        }
    }

    /** Where figures are scraped, and how many there are. */
    public record Metrics(String host, int port, int adaptersMax, Duration refreshInterval) {
        public Metrics {
            Check.notBlank("metrics.host", host);
            Check.within("metrics.port", port, 0, 65_535);
            Check.within("metrics.adapters_max", adaptersMax, 1, 10_000);
            Check.atLeast("metrics.refresh_interval", refreshInterval, Duration.ofMillis(10));
        }
    }

    /** How a node counts where feedback ended. */
    public record Audit(Duration interval, Duration alarmAfter, int eventsMax) {
        public Audit {
            Check.atMostTenYears("audit.interval", interval);
            Check.atMostTenYears("audit.alarm_after", alarmAfter);
            Check.within("audit.events_max", eventsMax, 1_000, 100_000_000);
        }
    }

    /** Where the roles find one another when each is a process of its own. */
    public record Processes(
            String name,
            String store,
            String trainer,
            String broker,
            String tokenKeys) {
        private static final Pattern ADDRESS =
                Pattern.compile("[A-Za-z0-9.-]{1,253}:[1-9][0-9]{0,4}");

        public Processes {
            Check.matches("processes.name", name, NAME);
            Check.matches("processes.store", store, ADDRESS);
            Check.matches("processes.trainer", trainer, ADDRESS);
            Check.matches("processes.broker", broker, ADDRESS);
        }
    }
}
