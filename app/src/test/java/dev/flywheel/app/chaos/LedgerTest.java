package dev.flywheel.app.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
    @TempDir Path folder;

    @Test
    void anEventStandsOnDiskOnceWithTheTimeOfItsFirstAcknowledgement() throws IOException {
        Path file = folder.resolve("ledger.txt");
        FeedbackKey key =
                FeedbackKey.newBuilder().setSource("client/a").setFeedbackId("f1").build();
        try (Ledger ledger = new Ledger(file)) {
            ledger.acknowledged(key, 5);
            ledger.acknowledged(key, 9);

            assertThat(Files.readString(file)).isEqualTo("5 client/a f1\n");
            assertThat(ledger.acknowledged()).containsExactly(Map.entry(key, 5L));
        }
    }
}
