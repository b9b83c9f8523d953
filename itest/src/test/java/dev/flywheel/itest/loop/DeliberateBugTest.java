package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.FlywheelCommand;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each promise broken on purpose: {@code ./flywheel chaos} has to notice. Takes ten minutes. */
@Tag("slow")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DeliberateBugTest {
    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            sync        | --seconds 5
            epoch       | --seconds 5
            checksum    | --seconds 30 --pause 1 --faults flip,client
            pin         | --seconds 25
            dedup       | --seconds 15 --rate 40
            claim-index | --seconds 8 --rate 15 --pause 3 --faults forget,client
            """)
    void chaosNoticesABrokenPromise(String bug, String options) {
        List<String> words = new ArrayList<>(List.of("chaos", "--seed", "2", "--bug", bug,
                "--data", folder.resolve("data").toString(), "--model",
                BuiltInBase.folder().toString()));
        words.addAll(List.of(options.split(" ", -1)));
        assertThat(FlywheelCommand.commandLine().execute(words.toArray(String[]::new)))
                .isEqualTo(1);
    }
}
