package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.rocksdb.RocksCommitLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters of a folder that no node uses: made, configured, shown and deleted by the command line. */
class AdapterSettingsCommandsTest {
    private static final String NAME = "default/news";

    @TempDir Path temp;
    private Path data;
    private Path model;

    @BeforeEach
    void folders() {
        data = temp.resolve("data");
        model = Path.of(System.getProperty("user.dir"), "../models/flywheel-base");
    }

    private void create() throws IOException {
        JsonNode made = CommandRun.json("adapter", "create", "-o", "json", NAME, "--data", data,
                "--model", model,
                "--for", "clicks", "--rank", "4", "--target", "q_proj,v_proj", "--set",
                "learning.click.loss=binary", "--actor", "ann");
        assertThat(made.at("/settings/lora.rank").asText()).isEqualTo("4");
        assertThat(made.at("/settings/lora.alpha").asText()).isEqualTo("8");
    }

    private JsonNode show() throws IOException {
        return CommandRun.json("adapter", "show", "-o", "json", NAME, "--data", data);
    }

    @Test
    void whatIsMadeIsShownWithEverySettingAndWhoMadeIt() throws IOException {
        create();
        JsonNode shown = show();
        assertThat(shown.at("/revision").asText()).isEqualTo("1");
        assertThat(shown.at("/settings/lora.target_modules").asText()).isEqualTo("q_proj,v_proj");
        assertThat(shown.at("/settings/round.steps").asText()).isEqualTo("3");
        assertThat(shown.at("/settings/learning.click.loss").asText()).isEqualTo("BINARY");
        assertThat(shown.at("/settings/exploration.epsilon").isNull()).isTrue();
        assertThat(shown.at("/unset/exploration.epsilon").asText())
                .isEqualTo("serving.rank.epsilon");
        assertThat(shown.at("/aliases/serving").asText()).isEqualTo("0");
        assertThat(shown.at("/audit/1/what").asText()).isEqualTo("created");
        assertThat(shown.at("/audit/1/actor").asText()).isEqualTo("ann");
        CommandRun text = CommandRun.of("adapter", "show", NAME, "--data", data);
        assertThat(text.out()).contains("round.learning_rate", "0.0005",
                "unset: serving.rank.epsilon", "created, by ann");
        JsonNode list = CommandRun.json("adapter", "list", "-o", "json", "--data", data);
        assertThat(list).hasSize(1);
        assertThat(list.at("/0/adapter").asText()).isEqualTo(NAME);
    }

    @Test
    void whatIsConfiguredIsToldAndAuditedAndWhatIsSoAlreadyIsNot() throws IOException {
        create();
        Path file = Files.writeString(temp.resolve("s.yaml"),
                "round: {steps: 7}\nlearning: {click: {loss: }}\n");
        JsonNode done = CommandRun.json("adapter", "configure", "-o", "json", NAME, "--data", data,
                "--settings", file, "--set", "quota.requests_max=3", "--actor", "bob", "--reason",
                "a slow week");
        assertThat(done.at("/revision").asText()).isEqualTo("2");
        assertThat(done.at("/changes")).extracting(JsonNode::asText)
                .containsExactlyInAnyOrder("round.steps: 3 -> 7",
                        "learning.click.loss: BINARY -> unset", "quota.requests_max: unset -> 3");
        JsonNode entry = show().at("/audit/0");
        assertThat(entry.at("/actor").asText()).isEqualTo("bob");
        assertThat(entry.at("/reason").asText()).isEqualTo("a slow week");
        assertThat(entry.at("/changes")).hasSize(3);
        JsonNode again = CommandRun.json("adapter", "configure", "-o", "json", NAME, "--data",
                data, "--set", "round.steps=7");
        assertThat(again.at("/revision").asText()).isEqualTo("2");
        assertThat(again.at("/changes")).isEmpty();
        CommandRun.fails("is at revision 2, expected was 1", "adapter", "configure", NAME,
                "--data", data, "--set", "round.steps=1", "--revision", "1");
        CommandRun.fails("round.steps must be 1 to 10000, was 0", "adapter", "configure", NAME,
                "--data", data, "--set", "round.steps=0");
        CommandRun.fails("learning.click.loss must be one of LISTWISE, BINARY, BANDIT, NONE",
                "adapter", "configure", NAME, "--data", data, "--set", "learning.click.loss=sft");
    }

    /** A command past the checks of requests stands for one of a release that checked less. */
    @Test
    void whatAnOlderReleaseTookIsShownAndIsNoReasonToRefuseAnotherChange() throws IOException {
        create();
        ConfigureAdapterRequest.Builder then = ConfigureAdapterRequest.newBuilder()
                .setName(NAME)
                .setExpectedRevision(1)
                .setActor("ann");
        then.getLearningBuilder().getCorrectionBuilder().setRenderedMillis(60_000);
        try (Committer committer = new Committer(
                RocksCommitLog.open(data.resolve("store"), Retention.DEFAULT, 1),
                new CommitRules(Limits.DEFAULT, Retention.DEFAULT), InstantSource.system(), 9)) {
            assertThat(committer.submit(new Command.ConfigureAdapter(then.build(), 1)).join())
                    .isInstanceOf(Decision.Accepted.class);
        }
        String path = "learning.correction.rendered_millis";
        assertThat(show().at("/settings/" + path).asText()).isEqualTo("60000");
        JsonNode done = CommandRun.json("adapter", "configure", "-o", "json", NAME, "--data", data,
                "--set", "round.steps=7");
        assertThat(done.at("/revision").asText()).isEqualTo("3");
        CommandRun.fails(path + " must be unset, was 60000", "adapter", "configure", NAME,
                "--data", data, "--set", "learning.click.weight=2");
        done = CommandRun.json("adapter", "configure", "-o", "json", NAME, "--data", data,
                "--set", "learning.click.weight=2", "--unset", path);
        assertThat(done.at("/revision").asText()).isEqualTo("4");
        assertThat(show().at("/settings").has(path)).isFalse();
    }

    @Test
    void whatIsDeletedIsGoneButCanBeShown() throws IOException {
        create();
        CommandRun.json("adapter", "delete", "-o", "json", NAME, "--data", data, "--reason",
                "over");
        CommandRun.fails("adapter default/news was deleted", "adapter", "configure", NAME,
                "--data", data, "--set", "round.steps=1");
        assertThat(CommandRun.json("adapter", "list", "-o", "json", "--data", data)).isEmpty();
        JsonNode all = CommandRun.json("adapter", "list", "--deleted", "-o", "json", "--data",
                data);
        assertThat(all.at("/0/deletedAt").isTextual()).isTrue();
        assertThat(show().at("/audit/0/what").asText()).isEqualTo("deleted");
        CommandRun.fails("its name stays taken", "adapter", "create", NAME, "--data", data,
                "--model", model);
    }

    @Test
    void theFileThatAnAdapterWasMadeWithConfiguresItToo() throws IOException {
        Path file = temp.resolve("all.yaml");
        String printed = CommandRun.of("adapter", "settings", "--for", "clicks").out();
        var unused = Files.writeString(file, printed);
        var ignored = CommandRun.json("adapter", "create", "-o", "json", NAME, "--data", data,
                "--model", model, "--settings", file);
        unused = Files.writeString(file, printed.replace("steps: 3", "steps: 4"));
        JsonNode done = CommandRun.json("adapter", "configure", "-o", "json", NAME, "--data", data,
                "--settings", file);
        assertThat(done.at("/changes")).extracting(JsonNode::asText)
                .containsExactly("round.steps: 3 -> 4");
        unused = Files.writeString(file, printed.replace("rank: 8", "rank: 4"));
        CommandRun
                .fails("setting lora.rank is to be 4; it is fixed when an adapter is made, here at"
                        + " 8", "adapter", "configure", NAME, "--data", data, "--settings", file);
        CommandRun.isMisuse("setting lora.seed is to be 2; it is fixed", "adapter", "configure",
                NAME, "--data", data, "--set", "lora.seed=2");
    }

    @Test
    void theDocumentationOfSettingsIsAFileToCreateWith() throws IOException {
        CommandRun printed = CommandRun.of("adapter", "settings", "--for", "clicks");
        Path file = Files.writeString(temp.resolve("all.yaml"), printed.out());
        JsonNode made = CommandRun.json("adapter", "create", "-o", "json", "default/two",
                "--data", data, "--model", model, "--settings", file);
        assertThat(made.at("/settings/round.steps").asText()).isEqualTo("3");
        JsonNode settings = CommandRun.json("adapter", "settings", "-o", "json");
        assertThat(settings.findValuesAsText("path")).contains("learning.thumb.weight");
        assertThat(settings.findValuesAsText("effect")).doesNotContain("");
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            clicks,  round.steps,         3,   learning.click.loss,
            rates,   round.beta2,         0.999, learning.click.loss, BINARY
            rewards, round.reward_baseline, 0.3, learning.reward.loss, BANDIT
            corrections, round.edit_weight, 4,  learning.correction.loss,
            """)
    void whatAnAdapterIsForSetsItsRoundsAndItsLossAndSoDoesTheFileOfIt(String purpose,
            String setting, String value, String loss, @Nullable String expected)
            throws IOException {
        JsonNode made = CommandRun.json("adapter", "create", "-o", "json", NAME, "--data", data,
                "--model", model, "--for", purpose);
        assertThat(made.at("/settings/" + setting).asText()).isEqualTo(value);
        assertThat(made.at("/settings/" + loss).textValue()).isEqualTo(expected);
        Path file = Files.writeString(temp.resolve("for.yaml"),
                CommandRun.of("adapter", "settings", "--for", purpose).out());
        JsonNode other = CommandRun.json("adapter", "create", "-o", "json", "default/two",
                "--data", data, "--model", model, "--settings", file);
        assertThat(other.at("/settings")).isEqualTo(made.at("/settings"));
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(delimiter = '|', value = {
        "--set round.stepz=1 | unknown setting round.stepz",
        "--set round.steps | it must be PATH=VALUE",
        "--unset round.steps | cannot be unset",
        "--revision -1 --set round.steps=1 | --revision is -1",
        "--actor x | give what is to change",
        "--node localhost:7470 --set round.steps=1 | either --node HOST:PORT or --data DIR",
    })
    void whatIsCalledWronglyIsMisuse(String options, String expected) {
        String[] split = options.split(" ", -1);
        Object[] args = new Object[5 + split.length];
        args[0] = "adapter";
        args[1] = "configure";
        args[2] = NAME;
        args[3] = "--data";
        args[4] = data;
        System.arraycopy(split, 0, args, 5, split.length);
        CommandRun.isMisuse(expected, args);
    }

    @Test
    void whatDoesNotFitTheBaseIsRefusedByItsField() {
        CommandRun.fails("lora.rank must be 1 to 16, was 64", "adapter", "create", "default/x",
                "--data", data, "--model", model, "--rank", "64");
        CommandRun.fails("lora.target_modules names w_proj", "adapter", "create", "default/x",
                "--data", data, "--model", model, "--target", "w_proj");
        CommandRun.isMisuse("invalid value for option '--for'", "adapter", "create", "default/x",
                "--data", data, "--for", "fun");
        CommandRun.isMisuse("argument NAME", "adapter", "create", "Default News", "--data", data);
    }
}
