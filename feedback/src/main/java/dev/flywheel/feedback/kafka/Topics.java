package dev.flywheel.feedback.kafka;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Names of the topics of one environment.
 *
 * @param environment part of each name, so that environments can share a broker
 */
public record Topics(String environment) {
    private static final Duration WEEK = Duration.ofDays(7);
    private static final Pattern ENVIRONMENT = Pattern.compile("[a-z0-9-]{1,63}");

    public Topics {
        if (!ENVIRONMENT.matcher(environment).matches()) {
            // No dots or underscores: Kafka's metric names take them for one another.
            throw new IllegalArgumentException(
                    "environment is \"%s\", allowed are 1 to 63 of a-z, 0-9 and -"
                            .formatted(environment));
        }
    }

    public String impression() {
        return "flywheel." + environment + ".impression.v1";
    }

    public String feedback() {
        return "flywheel." + environment + ".feedback.v1";
    }

    /** Where refused feedback goes, and records that are no feedback at all. */
    public String deadFeedback() {
        return "dlq." + feedback();
    }

    /** Where records go that are no impressions. */
    public String deadImpression() {
        return "dlq." + impression();
    }

    /** Where the job tells how well versions foresaw what users did. */
    public String evaluation() {
        return "flywheel." + environment + ".evaluation.v1";
    }

    public List<String> all() {
        return List.of(impression(), feedback(), evaluation(), deadFeedback(), deadImpression());
    }

    /** Makes the topics that are not there yet, to keep events for a week; those that are stay as they are. */
    public void create(Admin admin, int partitions, short replication) throws InterruptedException {
        create(admin, partitions, replication, WEEK);
    }

    /** Makes the topics that are not there yet; those that are stay as they are. */
    public void create(Admin admin, int partitions, short replication, Duration retention)
            throws InterruptedException {
        List<NewTopic> wanted = all().stream()
                .map(name -> new NewTopic(name, partitions, replication)
                        .configs(settings(name, retention)))
                .toList();
        Set<Map.Entry<String, KafkaFuture<Void>>> results =
                admin.createTopics(wanted).values().entrySet();
        for (Map.Entry<String, KafkaFuture<Void>> result : results) {
            try {
                result.getValue().get();
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw new IllegalStateException(
                            "topic " + result.getKey() + " cannot be made: " + e.getCause(), e);
                }
            }
        }
    }

    private static Map<String, String> settings(String topic, Duration retention) {
        String kept = Long.toString(retention.toMillis());
        // The broker's clock bounds what a sender can claim about time, see pipelines.
        return topic.startsWith("dlq.")
                ? Map.of(TopicConfig.RETENTION_MS_CONFIG, kept)
                : Map.of(
                        TopicConfig.RETENTION_MS_CONFIG, kept,
                        TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "LogAppendTime");
    }
}
