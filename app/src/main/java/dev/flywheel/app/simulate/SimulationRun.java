package dev.flywheel.app.simulate;

import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Plays one scenario with one or more seeds, one after the other.
 *
 * @param scenario what is played
 * @param firstSeed its first seed
 * @param seeds how many there are, each one more than the one before
 */
public record SimulationRun(Scenario scenario, long firstSeed, int seeds) {
    /** How far in the past a simulation begins: longer than the events of all its seeds take. */
    private static final Duration PAST = Duration.ofDays(6);

    /** What the loop is started with, unless the operator says otherwise: time moves by heartbeats, and soon. */
    public static final Map<String, Object> DEFAULTS =
            Map.of(
                    "data.log_mib_max", 0,
                    "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                    "metrics.port", 0,
                    "loop.broker_port", 0,
                    "loop.heartbeat_interval", "50ms",
                    "engine.adapter_slots", 32,
                    "loop.round_linger", "150ms");

    /**
     * @throws IllegalArgumentException if there is no such scenario, or there are no seeds
     */
    public static SimulationRun of(String scenario, long firstSeed, int seeds) {
        if (seeds < 1 || seeds > 100) {
            throw new IllegalArgumentException("--seeds is " + seeds + ", allowed is 1 to 100");
        }
        return new SimulationRun(Scenarios.named(scenario), firstSeed, seeds);
    }

    /** Returns a clock that a loop and its simulation share. */
    public static SimulatedClock clock(Instant now) {
        return new SimulatedClock(now.minus(PAST));
    }

    /**
     * Where it is played.
     *
     * @param node a loop that goes by {@code clock}
     * @param topics its topics
     * @param data its data folder: a producer that writes answers of its own signs with the same key
     */
    public record Theatre(LocalLoop node, Topics topics, Path data, SimulatedClock clock) {
        TokenSigner signer() {
            try {
                return new TokenSigner(TokenKeys.read(data.resolve("secrets/token.keys")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * Plays all seeds.
     *
     * @param progress told of each step
     */
    public SimulationReport in(Theatre theatre, Progress progress, LongSupplier nanos)
            throws InterruptedException {
        long start = nanos.getAsLong();
        long[] done = new long[1];
        List<SeedFigures> figures = new ArrayList<>();
        try (Stage stage = new Stage(theatre.node(), theatre.topics(), theatre.signer(),
                theatre.clock(), note -> progress.update(++done[0], note, nanos.getAsLong()))) {
            for (int i = 0; i < seeds; i++) {
                figures.add(scenario.play(stage, firstSeed + i));
                stage.clear();
            }
        }
        return SimulationReport.of(scenario, figures, (nanos.getAsLong() - start) / 1e9);
    }

    /** How many steps there are in all. */
    public long steps() {
        return (long) scenario.steps() * seeds;
    }
}
