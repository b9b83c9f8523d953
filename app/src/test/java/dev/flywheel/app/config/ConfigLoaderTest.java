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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigLoaderTest {
    @TempDir Path folder;

    @Test
    void theReferenceAloneIsACompleteSetOfSettings() {
        FlywheelConfig config = new ConfigLoader().load(null, Map.of());

        assertThat(config.server().port()).isEqualTo(7470);
        assertThat(config.signals().click().observation()).isEqualTo(Duration.ofMinutes(2));
        assertThat(config.guard().examplesPerUserMax()).isEqualTo(8);
    }

    @Test
    void anOperatorsFileChangesOnlyTheKeysItNames() {
        FlywheelConfig config =
                load("loop:\n  round_linger: 250ms\n  guard_profile: trusted-stream\n");

        assertThat(config.loop().roundLinger()).isEqualTo(Duration.ofMillis(250));
        assertThat(config.guard().examplesPerUserMax()).isZero();
        assertThat(config.loop().partitions()).isEqualTo(2);
    }

    @Test
    void anUnknownKeyStopsTheStartByItsName() {
        assertThatThrownBy(() -> load("loop:\n  round_lingre: 3s\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("loop.round_lingre")
                .hasMessageContaining("round_linger");
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
        assertThatThrownBy(() -> load("loop:\n  round_linger: 3\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(
                        "setting loop.round_linger is 3, it must be a number with a unit");
    }

    @Test
    void aGuardProfileOfOnesOwnCanBeAddedAndChosen() {
        FlywheelConfig config =
                load(
                        "guard_profiles:\n  strict:\n    examples_per_user_max: 2\n    window: 1h\n"
                                + "    round_share_max: 0.01\n    consent_required: true\n"
                                + "loop:\n  guard_profile: strict\n");

        assertThat(config.guard().consentRequired()).isTrue();
        assertThat(config.guard().thumbsPerHourMax()).as("left out: as in default").isEqualTo(30);
    }

    @Test
    void aProfileBuildsOnTheDefaultAsTheSameFileLeavesIt() {
        FlywheelConfig config = load(
                "guard_profiles:\n  mine: {window: 2m}\n  default: {examples_per_user_max: 3}\n"
                        + "loop: {guard_profile: mine}\n");

        assertThat(config.guard().examplesPerUserMax()).isEqualTo(3);
        assertThat(config.guard().window()).isEqualTo(Duration.ofMinutes(2));
    }

    @Test
    void aTenantMayHaveAProfileOfItsOwn() {
        FlywheelConfig config =
                load("loop: {tenant_guard_profiles: {acme: trusted-stream, b.c: default}}\n");

        assertThat(config.loop().tenantGuardProfiles())
                .isEqualTo(Map.of("acme", "trusted-stream", "b.c", "default"));
        assertThatThrownBy(() -> load("loop: {tenant_guard_profiles: {acme: lax}}\n"))
                .hasMessageContaining(
                        "loop.tenant_guard_profiles.acme is \"lax\", allowed are default, trusted-stream");
        assertThatThrownBy(() -> load("loop: {tenant_guard_profiles: {acme: 5}}\n"))
                .hasMessageContaining("loop.tenant_guard_profiles.acme is 5");
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

    @Test
    void theFileWinsOverTheDefaultsOfACommand() {
        Map<String, Object> defaults =
                Map.of("signals.click.observation", "3s", "loop.round_linger", "100ms");

        FlywheelConfig config =
                new ConfigLoader()
                        .load(defaults, write("signals:\n  click:\n    observation: 9s\n"),
                                Map.of());

        assertThat(config.signals().click().observation()).isEqualTo(Duration.ofSeconds(9));
        assertThat(config.loop().roundLinger()).isEqualTo(Duration.ofMillis(100));
    }

    @ParameterizedTest(name = "{0} is refused: {1}")
    @CsvSource(delimiter = '|',
            textBlock = """
                    server: {host: 12}        | setting server.host is 12, it must be text
                    server: {host: true}      | setting server.host is true, it must be text
                    server: {port: "7"}       | setting server.port is the text "7", it must be a whole number
                    server: {port: 7.5}       | setting server.port is 7.5, it must be a whole number
                    server: {port: 1e3}       | setting server.port is 1000.0, it must be a whole number
                    server: {port: 0777}      | setting server.port is 0777, allowed are decimal digits
                    server: {port: 0x1F}      | server.port is
                    server: {port: 1_000}     | setting server.port is 1_000, allowed are decimal digits
                    server: {port: 9999999999}| setting server.port is 9999999999, it must be a whole number of at most
                    server: {port: {a: 1}}    | setting server.port is a group of keys
                    server: {reflection: 2}   | setting server.reflection is 2, it must be true or false
                    server: {reflection: "true"} | setting server.reflection is the text "true", it must be true or false
                    server: {drain_timeout: 5}| setting server.drain_timeout is 5, it must be a number with a unit
                    serving: {rank: {epsilon: "0.1"}} | setting serving.rank.epsilon is the text "0.1", it must be a number
                    server: 5                 | server is 5, it must be a group of keys
                    server: [1]               | server is a list, it must be a group of keys
                    0777                      | decimal digits
                    just text                 | the whole is "just text", it must be a group of keys
                    """)
    void aValueOfAnotherKindIsRefusedByNameValueAndWhatIsAllowed(String text, String message) {
        assertThatThrownBy(() -> load(text.trim()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(message.trim());
    }

    @ParameterizedTest(name = "{0} is refused: {1}")
    @CsvSource(delimiter = '|',
            textBlock = """
                    guard_profiles: {strict: 5}           | guard_profiles.strict is 5, it must be a group of keys
                    guard_profiles: {strict: }            | guard_profiles.strict is left empty
                    guard_profiles: {strict: {window: 0s}}| guard_profiles.strict.window is zero
                    guard_profiles: {strict: {newcomer_share_max: 2}} | guard_profiles.strict.newcomer_share_max is 2, allowed is 0 to 1
                    guard_profiles: {strict: {windwo: 1m}}| unknown setting guard_profiles.strict.windwo; known beside it: clicks_per_hour_max, consent_required
                    guard_profiles: {strict: {window: }}  | guard_profiles.strict.window is left empty
                    guard_profiles: {default: {round_share_max: 2}} | guard_profiles.default.round_share_max is 2, allowed is 0 to 1
                    """)
    void aGuardProfileIsRefusedByItsOwnName(String text, String message) {
        assertThatThrownBy(() -> load(text.trim()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(message.trim());
    }

    @ParameterizedTest(name = "{0} is refused: {1}")
    @CsvSource(delimiter = '|',
            textBlock = """
                    engine: {backend: gpu9}                    | engine.backend is "gpu9", allowed are cpu, reference
                    engine: {kv_blocks: 9000000, kv_block_tokens: 1000} | engine.kv_blocks times engine.kv_block_tokens
                    loop: {env: a.b/..}                        | loop.env is "a.b/.."
                    adapter: {name: ../../etc}                 | adapter.name is "../../etc"
                    adapter: {tenant: A B}                     | adapter.tenant is "A B"
                    serving: {rank: {accept: " no"}}           | accept and serving.rank.reject are both " no"
                    loop: {token_lifetime: 99999d}             | loop.token_lifetime is 99999 days
                    loop: {round_linger: 99999d}               | loop.round_linger is 99999 days
                    signals: {thumb: {attribution: 0s}}        | signals.thumb.attribution is zero
                    signals: {thumb: {loss: sft}}              | signals.thumb.loss is "sft", allowed are kto, none
                    signals: {click: {observation: 31m}}       | signals.click.attribution is PT30M, it must not be shorter than signals.click.observation PT31M
                    signals: {correction: {attribution: 8d}}   | loop.token_lifetime is PT168H, it must not be shorter than signals.correction.attribution PT192H
                    signals: {reward: {weight: 0}}             | signals.reward.weight is 0, allowed is
                    signals: {reward: {kl_weight: -2}}         | signals.reward.kl_weight (-1: the round's) is -2, allowed is -1 to
                    loop: {remembered_bytes_max: 1}            | loop.remembered_bytes_max is 1, allowed is 1048576
                    """)
    void aValueThatCannotWorkIsRefusedAtTheStart(String text, String message) {
        assertThatThrownBy(() -> load(text.trim()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(message.trim());
    }

    @Test
    void aKeyGivenTwiceIsRefused() {
        assertThatThrownBy(
                () -> load("server:\n  port: 1\nmetrics:\n  port: 2\nserver:\n  port: 3\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("server");
    }

    @Test
    void aSecondDocumentInTheFileIsRefused() {
        assertThatThrownBy(() -> load("server:\n  port: 1\n---\nserver:\n  port: 2\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("flywheel.yaml");
    }

    @Test
    void aTabInYamlIsToldWhereItStands() {
        assertThatThrownBy(() -> load("server:\n\tport: 1"))
                .hasMessageContaining("TAB")
                .hasMessageEndingWith("(line 2, column 1)");
    }

    @Test
    void anEmptyFileChangesNothing() {
        assertThat(load("# nothing yet\n")).isEqualTo(new ConfigLoader().load(null, Map.of()));
    }

    private FlywheelConfig load(String text) {
        return new ConfigLoader().load(write(text), Map.of());
    }

    @ParameterizedTest
    @ValueSource(strings = {"server: {port: 1\nloop: x", "server:\n\tport: 1", "a: 1\n---\nb: 2",
        "server:\n  port: \"x", "server:\n  port: 1\n  port: 2"})
    void aFileThatIsNoYamlIsToldInOneLineWithItsPlace(String text) {
        assertThatThrownBy(() -> load(text))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(
                        folder.resolve("flywheel.yaml") + " is no valid YAML: ")
                .message()
                .containsPattern("\\(line \\d+, column \\d+\\)$")
                .doesNotContain("\n", "Source", "fasterxml", "'reader'");
    }

    private Path write(String text) {
        try {
            return Files.writeString(folder.resolve("flywheel.yaml"), text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
