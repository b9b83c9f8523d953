package dev.flywheel.app.local;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** The loop's topics on a broker, made where they are missing. */
public final class LoopTopics {
    private static final int TRY_MILLIS = 10_000;

    private LoopTopics() {}

    /** Makes those that are missing and returns their names; waits for the broker. */
    public static Topics make(FlywheelConfig config, String brokers) {
        Topics topics = new Topics(config.loop().env());
        try {
            make(config, topics, settings(brokers));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while topics were made", e);
        }
        return topics;
    }

    /**
     * Makes those that are missing; gives up soon.
     *
     * @throws IllegalStateException or {@code KafkaException} if the broker does not answer or refuses
     */
    static void make(FlywheelConfig config, PublisherSettings publishing)
            throws InterruptedException {
        Properties properties = settings(publishing.brokers());
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TRY_MILLIS);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TRY_MILLIS);
        make(config, publishing.topics(), properties);
    }

    private static Properties settings(String brokers) {
        Properties properties = new Properties();
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(AdminClientConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        return properties;
    }

    private static void make(FlywheelConfig config, Topics topics, Properties properties)
            throws InterruptedException {
        Admin admin = Admin.create(properties);
        try {
            topics.create(admin, config.loop().partitions(), (short) 1,
                    config.loop().topicRetention());
        } finally {
            admin.close(Duration.ZERO);
        }
    }
}
