package dev.flywheel.app.local;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.feedback.kafka.Topics;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** The loop's topics on a broker, made where they are missing. */
public final class LoopTopics {
    private LoopTopics() {}

    /** Makes those that are missing and returns their names; waits for the broker. */
    public static Topics make(FlywheelConfig config, String brokers) {
        Topics topics = new Topics(config.loop().env());
        Properties properties = new Properties();
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        try (Admin admin = Admin.create(properties)) {
            topics.create(
                    admin, config.loop().partitions(), (short) 1, config.loop().topicRetention());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while topics were made", e);
        }
        return topics;
    }
}
