package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.adapter.ServedVersions.Served;
import dev.flywheel.serving.freshness.FirstAnswers;
import dev.flywheel.serving.freshness.LineageSource;
import dev.flywheel.serving.freshness.NewestEvents;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.runner.EngineLoop;
import dev.flywheel.serving.settings.MeterSettings;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The meters that come and go with what they show: which version answers under which alias, how old what it learned is, whose
 * requests are inside. Looks again and again on a thread of its own, since the store is asked; a series whose alias moved is gone
 * after the next look. Adapters without a place of their own are not shown, see {@link ServingMetrics#shows}.
 */
final class NodeMeters implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(NodeMeters.class);

    private final ServedVersions versions;
    private final EngineLoop engine;
    private final ServingMetrics metrics;
    private final MeterSettings settings;
    private final int slots;
    private final InstantSource clock;
    private final NewestEvents events;
    private final FirstAnswers answers;
    private final MultiGauge info;
    private final MultiGauge staleness;
    private final MultiGauge loras;
    private List<Tags> shownInfo = List.of();
    private Map<String, Long> shownEvents = Map.of();
    private Tags shownLoras = Tags.empty();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("node-meters").factory());

    /** @param slots versions that the device holds at once */
    NodeMeters(ServedVersions versions, EngineLoop engine, ServingMetrics metrics,
            MeterSettings settings, int slots, LineageSource lineage, InstantSource clock) {
        this.versions = versions;
        this.engine = engine;
        this.metrics = metrics;
        this.settings = settings;
        this.slots = slots;
        this.clock = clock;
        this.events = new NewestEvents(lineage);
        this.answers = new FirstAnswers(lineage, clock, metrics::learnedAfter);
        this.info = gauge("flywheel.adapter.info",
                "1: this version answers under this alias on this node; digest8 begins the digest of its weights",
                "");
        this.staleness = gauge("flywheel.adapter.staleness",
                "time since the newest event behind the version that serves, its commit where none is kept; between the wall clocks of the node that took the event and of this one",
                "seconds");
        this.loras = gauge("flywheel.lora.requests",
                "when the labels were true, seconds since 1970; they name the adapters with requests in the batch and of those waiting, separated by commas, and how many versions the device holds",
                "");
        metrics.onAnswer(answers::answered);
    }

    private MultiGauge gauge(String name, String description, String unit) {
        MultiGauge.Builder builder = MultiGauge.builder(name).description(description);
        return (unit.isEmpty() ? builder : builder.baseUnit(unit)).register(metrics.registry());
    }

    void start() {
        long period = Math.max(1, settings.refresh().toMillis());
        var unused = timer.scheduleWithFixedDelay(this::look, 0, period, TimeUnit.MILLISECONDS);
    }

    /** Looks once; fails never, since a task that does is not run again. */
    private void look() {
        try {
            List<Served> served = versions.served()
                    .stream()
                    .filter(each -> metrics.shows(each.version().getAdapter()))
                    .toList();
            showLoras(engine.adapters());
            showInfo(served);
            showStaleness(served);
            answers.measure();
        } catch (RuntimeException fault) {
            log.warn("this node cannot be measured now; trying on", fault);
        }
    }

    /** What has not changed is left alone: there must be no moment without it. */
    private void showInfo(List<Served> served) {
        List<Tags> rows = served.stream().map(NodeMeters::tags).toList();
        if (!rows.equals(shownInfo)) {
            info.register(rows.stream().map(tags -> Row.of(tags, 1)).toList(), true);
            shownInfo = rows;
        }
    }

    private static Tags tags(Served served) {
        VersionRef version = served.version();
        String digest = version.getDigest();
        return Tags.of("adapter", version.getAdapter(), "alias", served.alias(), "version",
                Long.toUnsignedString(version.getNumber()), "digest8",
                digest.substring(0, Math.min(8, digest.length())));
    }

    private void showStaleness(List<Served> served) {
        Map<String, Long> newest = new HashMap<>();
        for (Served each : served) {
            if (each.alias().equals("serving")) {
                Optional<Long> event = events.of(each.version());
                event.ifPresent(at -> newest.put(each.version().getAdapter(), at));
            }
        }
        events.keep(served.stream()
                .map(each -> each.version().getAdapter())
                .collect(Collectors.toSet()));
        if (!newest.equals(shownEvents)) {
            List<Row<?>> rows = new ArrayList<>();
            newest.forEach((adapter, at) -> rows.add(Row.of(Tags.of("adapter", adapter),
                    () -> Math.max(0, clock.millis() - at) / 1e3)));
            staleness.register(rows, true);
            shownEvents = newest;
        }
    }

    private void showLoras(EngineLoop.Adapters inside) {
        Tags tags = Tags.of("max_lora", Integer.toString(slots), "running_lora_adapters",
                list(inside.running()), "waiting_lora_adapters", list(inside.waiting()));
        if (!tags.equals(shownLoras)) {
            loras.register(List.of(Row.of(tags, () -> Math.floor(clock.millis() / 1e3))), true);
            shownLoras = tags;
        }
    }

    private String list(SortedSet<String> names) {
        return names.stream().limit(settings.adaptersMax()).collect(Collectors.joining(","));
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
