package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import io.grpc.ManagedChannel;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** An adapter that was trained elsewhere: brought in, served, taught more, and taken out again. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ImportedAdapterTest {
    private static final String ADAPTER = "default/brought";
    private static final long SEED = 5;
    private static final String ODD = "model.layers.1.self_attn.v_proj";
    private static final LoraConfig CONFIG =
            new LoraConfig(4, 6, true, List.of("q_proj", "v_proj"), new TreeMap<>(Map.of(ODD, 3)),
                    new TreeMap<>(Map.of(ODD, 2.5)));

    @TempDir Path folder;

    @Test
    void itIsServedAndLearnsOnAndARunningNodeGivesItOutWithTheRanksAndScalesOfItsModules()
            throws Exception {
        Path brought = folder.resolve("brought");
        PeftFolder.write(brought, LoraWeights.start(CONFIG, baseModules(), SEED), "base");
        run("adapter", "import", brought, "--name", ADAPTER, "--model", BuiltInBase.folder(),
                "--data", folder.resolve("data"));
        int port = UpProcess.freePort();
        try (UpProcess up = UpProcess.start(folder,
                "loop: {broker_port: 0}\nmetrics: {port: 0}\ndata: {free_mib_min: 16}\n",
                "--port", Integer.toString(port))) {
            assertThat(up.process().isAlive()).isTrue();
            teach(port);
            assertSame(export(port, "0"), brought);
            assertLearned(export(port, "serving"), brought);
        }
    }

    private static void teach(int port) {
        ManagedChannel channel = LoopClient.connect(port);
        try {
            LoopClient client = new LoopClient(channel, ADAPTER);
            client.awaitAnswers();
            RankReply reply = client.rank("u");
            assertThat(reply.getVersion().getNumber()).isZero();
            client.click(reply, "u", "click");
            client.awaitTrained(Set.of("click"));
            LoopClient.await("a learned version serves",
                    () -> client.rank("u").getVersion().getNumber() > 0);
        } finally {
            channel.shutdownNow();
        }
    }

    private Path export(int port, String number) {
        Path out = folder.resolve("out-" + number);
        run("adapter", "export", ADAPTER, "--node", "localhost:" + port, "--number", number,
                "--out", out);
        return out;
    }

    private static void assertSame(Path exported, Path brought) {
        assertThat(exported.resolve(PeftFolder.WEIGHTS_FILE))
                .hasSameBinaryContentAs(brought.resolve(PeftFolder.WEIGHTS_FILE));
        assertThat(read(exported).config()).isEqualTo(CONFIG);
    }

    private static void assertLearned(Path exported, Path brought) {
        assertThat(read(exported).config()).isEqualTo(CONFIG);
        assertThat(read(exported).digest()).isNotEqualTo(read(brought).digest());
        assertThat(read(exported).pairs().keySet()).isEqualTo(read(brought).pairs().keySet());
    }

    private static LoraWeights read(Path peft) {
        return PeftFolder.read(peft, baseModules()).weights();
    }

    private static Map<String, ModuleShape> baseModules() {
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel base = BaseModel.load(BuiltInBase.folder(), backend)) {
            return base.linearModules();
        }
    }

    private static void run(Object... args) {
        StringWriter said = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(said, true));
        line.setErr(new PrintWriter(said, true));
        String[] words = List.of(args).stream().map(String::valueOf).toArray(String[]::new);
        assertThat(line.execute(words)).as("%s: %s", String.join(" ", words), said).isZero();
    }
}
