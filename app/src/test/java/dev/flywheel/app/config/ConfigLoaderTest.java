package dev.flywheel.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigLoaderTest {
    @TempDir Path folder;

    @Test
    void theReferenceAloneIsACompleteSetOfSettings() {
        FlywheelConfig config = new ConfigLoader().load(null, Map.of());

        assertThat(config.server().port()).isEqualTo(7470);
        assertThat(config.loop().observationWindow()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.guard().examplesPerUserMax()).isEqualTo(8);
    }

    @Test
    void anOperatorsFileChangesOnlyTheKeysItNames() {
        FlywheelConfig config =
                load("loop:\n  observation_window: 250ms\n  guard_profile: trusted-stream\n");

        assertThat(config.loop().observationWindow()).isEqualTo(Duration.ofMillis(250));
        assertThat(config.guard().examplesPerUserMax()).isZero();
        assertThat(config.loop().partitions()).isEqualTo(2);
    }

    @Test
    void anUnknownKeyStopsTheStartByItsName() {
        assertThatThrownBy(() -> load("loop:\n  observation_windwo: 3s\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("loop.observation_windwo")
                .hasMessageContaining("observation_window");
    }

    @Test
    void aValueOutOfRangeNamesKeyValueAndRange() {
        assertThatThrownBy(() -> load("server:\n  port: 70000\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("server.port is 70000")
                .hasMessageContaining("0 to 65535");
    }

    @Test
    void aDurationWithoutUnitIsRefused() {
        assertThatThrownBy(() -> load("loop:\n  observation_window: 3\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("loop.observation_window");
    }

    @Test
    void aGuardProfileOfOnesOwnCanBeAddedAndChosen() {
        FlywheelConfig config =
                load(
                        "guard_profiles:\n  strict:\n    examples_per_user_max: 2\n    window: 1h\n"
                                + "    round_share_max: 0.01\n    consent_required: true\n"
                                + "loop:\n  guard_profile: strict\n");

        assertThat(config.guard().consentRequired()).isTrue();
    }

    @Test
    void anUnknownGuardProfileIsRefusedWithTheKnownOnes() {
        assertThatThrownBy(() -> load("loop:\n  guard_profile: lax\n"))
                .hasMessageContaining("lax")
                .hasMessageContaining("trusted-stream");
    }

    @Test
    void whatIsGivenOnTheCommandLineWinsOverTheFile() {
        FlywheelConfig config =
                new ConfigLoader()
                        .load(write("server:\n  port: 1000\n"), Map.of("server.port", 2000));

        assertThat(config.server().port()).isEqualTo(2000);
    }

    private FlywheelConfig load(String text) {
        return new ConfigLoader().load(write(text), Map.of());
    }

    private Path write(String text) {
        try {
            return Files.writeString(folder.resolve("flywheel.yaml"), text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
