package dev.flywheel.app.cli;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.lineage.TopicSearch;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.ope.DecisionFile;
import dev.flywheel.app.ope.DecisionLog;
import dev.flywheel.app.ope.DecisionTopics;
import dev.flywheel.app.ope.OpeReport;
import dev.flywheel.app.ope.TargetPolicy;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.ope.Estimates;
import dev.flywheel.feedback.ope.OffPolicyEvaluation;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What another ranking policy would have earned. */
@Command(
        name = "ope",
        mixinStandardHelpOptions = true,
        description = {
            "Estimates what another ranking policy would have earned, from decisions that were logged with their propensities"
                    + " (off-policy evaluation): by IPS, SNIPS, DR and self-normalised DR, with intervals.",
            "An estimate with fewer effective samples than ope.effective_samples_min is refused, and one of what the log's policy never did. Tokens of feedback are not checked:"
                    + " who writes into the feedback topic by himself is believed."
        })
public final class OpeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private BrokerOptions broker = new BrokerOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @ArgGroup(multiplicity = "1") private Source source = new Source();

    @Option(names = "--policy", paramLabel = "POLICY", required = true,
            description = "Policy to estimate: uniform, greedy, plackett-luce:TEMPERATURE, epsilon-uniform:EPSILON[:TEMPERATURE]. All"
                    + " but uniform need the scores of an impression, which a file does not hold.") private String policy =
                            "";

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "With --topic: only answers of this adapter.") private @Nullable String adapter;

    @Option(names = "--reward", paramLabel = "KIND", defaultValue = "click",
            description = "With --topic: what an item earns. click: 1 if it was clicked; reward: the last number that it was"
                    + " rewarded with. Default: ${DEFAULT-VALUE}.") private DecisionTopics.RewardKind reward =
                            DecisionTopics.RewardKind.click;

    @Option(names = "--decisions-max", paramLabel = "N", defaultValue = "200000",
            description = "Looks at the first N decisions, in memory: about 200 bytes each, and with --topic 8 bytes for each place times"
                    + " each candidate of it. Default: ${DEFAULT-VALUE}.") private int decisionsMax =
                            200_000;

    /** Where decisions come from. */
    static final class Source {
        @Option(names = "--log", paramLabel = "FILE", required = true,
                description = "A CSV file with the columns item_id, propensity_score and click, such as those of the Open Bandit"
                        + " Dataset.") private @Nullable Path log;

        @SuppressWarnings("UnusedVariable") // picocli looks at it
        @Option(names = "--topic", required = true,
                description = "The running node's own answers and feedback.") private boolean topic;
    }

    @Override
    public Integer call() {
        UsageChecks.requireAtLeast(spec, "--decisions-max", decisionsMax, 2);
        report.requireWritable();
        TargetPolicy target = target();
        Path file = source.log;
        DecisionLog log = file == null ? ofTopics(target) : ofFile(file, target);
        if (log.decisions().size() < 2) {
            throw new StartException(
                    "there are %d decisions that can be weighted, an estimate needs 2 at least; passed over: %s"
                            .formatted(log.decisions().size(), log.passedOver()));
        }
        Estimates estimates = OffPolicyEvaluation.of(log.decisions());
        requireSupport(estimates, target);
        requireEnough(estimates, target);
        OpeReport told = new OpeReport(target.name(), estimates, log.passedOver());
        report.give(told, told.text());
        return 0;
    }

    private TargetPolicy target() {
        try {
            return TargetPolicy.parse(policy);
        } catch (IllegalArgumentException e) {
            throw UsageChecks.wrong(spec, "--policy " + e.getMessage());
        }
    }

    private DecisionLog ofFile(Path file, TargetPolicy target) {
        if (!target.blind()) {
            throw UsageChecks.wrong(spec,
                    "--policy %s needs the scores of all candidates, which a file does not hold; give uniform, or --topic"
                            .formatted(target.name()));
        }
        return DecisionFile.read(file, decisionsMax);
    }

    private static void requireSupport(Estimates estimates, TargetPolicy target) {
        if (!estimates.supported()) {
            throw new StartException(String.format(Locale.ROOT,
                    "no estimate of %s: its weights average %.3f (standard error %.3f), they have to average 1; the log's policy never does"
                            + " some of what this one does, or its propensities are wrong",
                    target.name(), estimates.weightMean(), estimates.weightMeanStandardError()));
        }
    }

    private void requireEnough(Estimates estimates, TargetPolicy target) {
        int least = broker.settings().ope().effectiveSamplesMin();
        if (estimates.effectiveSamples() < least) {
            throw new StartException(String.format(Locale.ROOT,
                    "no estimate of %s: %,d decisions tell as much as %.1f of its own, ope.effective_samples_min asks for %d;"
                            + " log more, or ask about a policy closer to the one that was logged",
                    target.name(), estimates.decisions(), estimates.effectiveSamples(), least));
        }
    }

    private DecisionLog ofTopics(TargetPolicy target) {
        FlywheelConfig.Loop loop = broker.settings().loop();
        IntakeReader reader = new IntakeReader(loop.feedbackBytesMax(), loop.confluentFraming());
        DecisionTopics joined = new DecisionTopics(target, reward, decisionsMax);
        try (TopicSearch topics = search()) {
            each(topics, topics.topics().impression(), record -> {
                if (reader.impression(record) instanceof Intake.Valid<Impression> valid
                        && isMeant(valid.event())) {
                    joined.take(valid.event());
                }
                return false;
            });
            each(topics, topics.topics().feedback(), record -> {
                if (reader.feedback(record) instanceof Intake.Valid<FeedbackEvent> valid) {
                    joined.take(valid.event());
                }
                return false;
            });
        }
        return joined.log();
    }

    private static void each(TopicSearch topics, String topic,
            Predicate<ConsumerRecord<byte[], byte[]>> taken) {
        topics.search(topic, "", OptionalLong.empty(), taken);
    }

    private boolean isMeant(Impression impression) {
        return adapter == null || adapter.equals(impression.getVersion().getAdapter());
    }

    private TopicSearch search() {
        boolean watched = report.output().watched();
        Map<String, Progress> shown = new HashMap<>();
        return new TopicSearch(broker.brokers(), broker.topics(), (topic, done, all) -> {
            if (watched) {
                shown.computeIfAbsent(topic,
                        each -> new Progress(report.output().progress(), true,
                                "records of " + topic, all, System.nanoTime()))
                        .update(done, "", System.nanoTime());
            }
        });
    }
}
