package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.adapter.Conversions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time of whole rounds on a random base of the built-in base's size, one core: from a parent that
 * lies on the device to the candidate's bytes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 4)
@Measurement(iterations = 3, time = 4)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED"})
public class RoundBench {
    private RoundFixture fixture;
    private Parent start;
    private List<Example> slates;
    private List<Example> correction;

    @Setup(Level.Trial)
    public void load() throws Exception {
        Path folder = Files.createTempDirectory("round-bench");
        fixture = new RoundFixture(folder, "cpu", TinyBase.BUILT_IN, 32);
        start = fixture.startParent(Conversions.loraConfig(AdapterSettings.ranker().lora()));
        slates = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            List<String> texts = new ArrayList<>();
            for (int k = 0; k < 6; k++) {
                texts.add("text " + n + k + " is here");
            }
            slates.add(
                    fixture.slate("s" + n, "user" + n, "reader likes subject " + n, texts, n % 6));
        }
        correction = List.of(fixture.correction("c", "who wrote the tale of two?", "Dickens"));
    }

    @TearDown(Level.Trial)
    public void close() throws Exception {
        fixture.close();
    }

    /** Eight slates of six options, about 110 tokens each. */
    @Benchmark
    public RoundResult eightSlates() {
        return fixture.run(start, slates, AdapterSettings.ranker().round());
    }

    /** The same with the leash to the base at the scored rows. */
    @Benchmark
    public RoundResult eightSlatesOnTheLeash() {
        RoundSettings leashed =
                AdapterSettings.ranker().round().toBuilder().setKlWeight(0.01).build();
        return fixture.run(start, slates, leashed);
    }

    /** One correction with fifteen steps and eight anchors in each. */
    @Benchmark
    public RoundResult oneCorrection() {
        RoundSettings fifteen =
                AdapterSettings.teacher()
                        .round()
                        .toBuilder()
                        .setSftTargetLoss(1e-9)
                        .setSftStepsMax(15)
                        .build();
        return fixture.run(start, correction, fifteen);
    }
}
