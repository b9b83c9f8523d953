package dev.flywheel.app.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is asked of the command before it has a broker; what it prints of one is tested where there is one. */
class EvaluationCommandTest {
    @TempDir Path folder;

    @Test
    void aTimeThatIsNoneIsMisuse() {
        CommandRun.isMisuse("--since is -1, it must be 0 to 31536000", "evaluation", "--since", -1);
        CommandRun.isMisuse("invalid value for option '--since'", "evaluation", "--since", "soon");
    }

    @Test
    void brokersThatAreNoneAreNamed() {
        CommandRun.fails("--brokers is 'nowhere'", "evaluation", "--brokers", "nowhere");
    }

    @Test
    void aFreePortHasToBeTold() throws Exception {
        Path settings =
                Files.writeString(folder.resolve("flywheel.yaml"), "loop: {broker_port: 0}\n");
        CommandRun.fails("loop.broker_port is 0", "evaluation", "--config", settings);
    }
}
