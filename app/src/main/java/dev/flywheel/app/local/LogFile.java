package dev.flywheel.app.local;

import java.nio.file.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.RollingFileAppender;
import org.apache.logging.log4j.core.appender.rolling.DefaultRolloverStrategy;
import org.apache.logging.log4j.core.appender.rolling.SizeBasedTriggeringPolicy;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.layout.PatternLayout;

/**
 * The file that keeps what happened, with stack traces, besides the lines on standard error.
 *
 * <p>One per process. It stays open until the process ends, so that the reason of an end is in it too.
 */
public final class LogFile {
    private static final String NAME = "file";
    private static final String OLDER_KEPT = "4";
    private static final String PATTERN = "%d{ISO8601} %level %c{1} [%t]: %msg%n%ex";

    private LogFile() {}

    /**
     * Begins to write {@code flywheel.log} in a folder.
     *
     * @param mibMax size at which it is put aside; four older ones are kept
     */
    static void open(Path folder, int mibMax) {
        LoggerContext context = context();
        Configuration configuration = context.getConfiguration();
        RollingFileAppender appender =
                RollingFileAppender.newBuilder()
                        .setName(NAME)
                        .setConfiguration(configuration)
                        .setLayout(
                                PatternLayout.newBuilder()
                                        .withConfiguration(configuration)
                                        .withPattern(PATTERN)
                                        .build())
                        .withFileName(folder.resolve("flywheel.log").toString())
                        .withFilePattern(folder.resolve("flywheel-%i.log").toString())
                        .withPolicy(SizeBasedTriggeringPolicy.createPolicy(mibMax + "MB"))
                        .withStrategy(
                                DefaultRolloverStrategy.newBuilder()
                                        .withConfig(configuration)
                                        .withMax(OLDER_KEPT)
                                        .build())
                        .build();
        if (appender == null) {
            throw new StartException(
                    "log file in %s cannot be written; see to the folder's rights, or set data.log_mib_max: 0"
                            .formatted(folder));
        }
        appender.start();
        LoggerConfig root = configuration.getRootLogger();
        Appender before = root.getAppenders().get(NAME);
        root.removeAppender(NAME);
        root.addAppender(appender, null, null);
        context.updateLoggers();
        if (before != null) {
            before.stop();
        }
    }

    /** Returns where more is to be read, to end a message with. */
    public static String hint() {
        return context().getConfiguration()
                .getRootLogger()
                .getAppenders()
                .get(NAME) instanceof RollingFileAppender file
                        ? "see " + file.getFileName()
                        : "see what was printed before, or start with FLYWHEEL_JAVA_OPTS=-Dflywheel.log.traces=full";
    }

    private static LoggerContext context() {
        return (LoggerContext) LogManager.getContext(false);
    }
}
