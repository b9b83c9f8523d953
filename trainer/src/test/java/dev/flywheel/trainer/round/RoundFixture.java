package dev.flywheel.trainer.round;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.OptimizerState;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** A loaded base with a round on it, and short ways to write examples down. */
public final class RoundFixture implements AutoCloseable {
    public static final LoraConfig LORA =
            LoraConfig.of(4, 8, List.of("q_proj", "v_proj", "down_proj", "up_proj"));
    public static final RoundSettings SETTINGS =
            RoundSettings.newBuilder()
                    .setLearningRate(5e-3)
                    .setBeta1(0.9)
                    .setBeta2(0.99)
                    .setEpsilon(1e-8)
                    .setSteps(2)
                    .setGradientClip(1)
                    .setKlWeight(0.01)
                    .setImportanceClip(10)
                    .setNormMax(100)
                    .setExamplesMax(32)
                    .build();

    private static final int ACCEPT = 'y';
    private static final int REJECT = 'n';

    public final Backend backend;
    public final BaseModel base;
    public final Tokenizer tokenizer;
    public final AnchorSet anchors;
    public final Path folder;
    public final AtomicInteger fetched = new AtomicInteger();
    public Round round;

    public RoundFixture(Path folder, String backendName, TinyBase size, int anchorCount) {
        this(folder, Backends.open(backendName, 1), size, anchorCount);
    }

    /** @param backend closed with the fixture */
    public RoundFixture(Path folder, Backend backend, TinyBase size, int anchorCount) {
        this.folder = size.write(folder, 11);
        writeAnchors(folder, anchorCount);
        this.backend = backend;
        this.base = BaseModel.load(folder, backend);
        this.tokenizer = Tokenizer.load(folder);
        this.anchors = loadAnchors();
        this.round = newRound();
    }

    /** Makes a round of its own on the same base, with nothing on the device yet. */
    public Round newRound() {
        return newRound(new DeviceLoop(1, System::nanoTime));
    }

    public Round newRound(DeviceLoop loop) {
        return new Round(
                base, tokenizer, anchors, loop, new RoundLimits(512, 8), System::nanoTime);
    }

    public LoraWeights start(LoraConfig config) {
        return LoraWeights.start(config, base.linearModules(), 3);
    }

    /** The untrained start as a parent. */
    public Parent startParent(LoraConfig config) {
        LoraWeights start = start(config);
        return new Parent(
                start.digest().hex(),
                "",
                () -> {
                    fetched.incrementAndGet();
                    return new Parent.Content(start, null);
                });
    }

    /** A round's candidate as the parent of the next. */
    public Parent parent(LoraConfig config, RoundResult result) {
        return new Parent(
                Digest.of(result.weightsBytes()).hex(),
                Digest.of(result.optimizerBytes()).hex(),
                () -> {
                    fetched.incrementAndGet();
                    return new Parent.Content(
                            LoraWeights.fromSafetensors(config, result.weightsBytes()),
                            OptimizerState.fromSafetensors(result.optimizerBytes()));
                });
    }

    public RoundResult run(Parent parent, List<Example> examples, RoundSettings settings) {
        return round.run(new RoundInput(parent, examples, 7, settings), () -> false);
    }

    /** A slate of verdicts; {@code chosen} is the index that was clicked, -1 for none. */
    public Example slate(String id, String user, String context, List<String> texts, int chosen) {
        Example.Builder example =
                example(id, user, context, ExampleKind.EXAMPLE_KIND_LISTWISE)
                        .setScoring(
                                Scoring.newBuilder()
                                        .setVerdict(true)
                                        .setAcceptId(ACCEPT)
                                        .setRejectId(REJECT));
        for (int k = 0; k < texts.size(); k++) {
            example.addOptions(
                    LabelledOption.newBuilder()
                            .setCandidateId("c" + k)
                            .addAllIds(ids(texts.get(k)))
                            .setLabel(k == chosen ? 1 : 0)
                            .setPlace(k)
                            .setPropensity(0.5));
        }
        return example.build();
    }

    /** Continuations of which one came true. */
    public Example continuations(String id, String prompt, List<String> texts, int happened) {
        Example.Builder example =
                example(id, "u", prompt, ExampleKind.EXAMPLE_KIND_LISTWISE)
                        .setScoring(Scoring.getDefaultInstance());
        for (int k = 0; k < texts.size(); k++) {
            example.addOptions(
                    LabelledOption.newBuilder()
                            .setCandidateId(Integer.toString(k))
                            .addAllIds(ids(texts.get(k)))
                            .setLabel(k == happened ? 1 : 0));
        }
        return example.build();
    }

    public Example correction(String id, String prompt, String text) {
        return example(id, "teacher", prompt, ExampleKind.EXAMPLE_KIND_SFT)
                .addOptions(LabelledOption.newBuilder().setCandidateId(text).setLabel(1))
                .build();
    }

    /** An answer with a thumb on it. */
    public Example thumb(String id, String prompt, String answer, boolean up) {
        return example(id, "u-" + id, prompt, ExampleKind.EXAMPLE_KIND_KTO)
                .addOptions(
                        LabelledOption.newBuilder().addAllIds(ids(answer)).setLabel(up ? 1 : -1))
                .build();
    }

    /** The answer that was preferred, and the other. */
    public Example preference(String id, String prompt, String preferred, String other) {
        return example(id, "u-" + id, prompt, ExampleKind.EXAMPLE_KIND_DPO)
                .addOptions(LabelledOption.newBuilder().addAllIds(ids(preferred)).setLabel(1))
                .addOptions(LabelledOption.newBuilder().addAllIds(ids(other)).setLabel(-1))
                .build();
    }

    /** Items that were each taken ({@code label} 1) or left in silence (0). */
    public Example verdicts(String id, String user, String context, List<String> texts, int label) {
        Example.Builder example =
                slate(id, user, context, texts, -1).toBuilder()
                        .setKind(ExampleKind.EXAMPLE_KIND_BINARY)
                        .setImpressionId(id)
                        .setSignal(label == 1 ? "click" : "silence");
        example.getOptionsBuilderList().forEach(option -> option.setLabel(label));
        return example.build();
    }

    /** A slate in which one item brought a reward, the last but one: it was chosen from two. */
    public Example decision(
            String id, String context, List<String> texts, int action, double reward) {
        Example.Builder example =
                slate(id, "u-" + id, context, texts, -1).toBuilder()
                        .setKind(ExampleKind.EXAMPLE_KIND_BANDIT)
                        .setAction(action);
        example.getOptionsBuilder(action).setLabel(reward);
        int place = 0;
        for (int k = 0; k < texts.size(); k++) {
            if (k != action) {
                example.getOptionsBuilder(k)
                        .setPlace(place == texts.size() - 2 ? place + 1 : place);
                place++;
            }
        }
        example.getOptionsBuilder(action).setPlace(Math.max(0, texts.size() - 2));
        return example.build();
    }

    private Example.Builder example(String id, String user, String prompt, ExampleKind kind) {
        return Example.newBuilder()
                .setExampleId(id)
                .setKind(kind)
                .setUser(user)
                .setWeight(1)
                .setSamplingRate(1)
                .addAllPromptIds(ids(prompt));
    }

    public List<Integer> ids(String text) {
        return Arrays.stream(tokenizer.encodeWithoutSpecial(text)).boxed().toList();
    }

    private AnchorSet loadAnchors() {
        try {
            return AnchorSet.load(folder, tokenizer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void writeAnchors(Path folder, int count) {
        List<String> lines =
                IntStream.range(0, count)
                        .mapToObj(
                                i -> "{\"prompt\": \"anchor number %d asks\", \"answer\": \"and %d is told\"}"
                                        .formatted(i, i * i))
                        .toList();
        try {
            Files.write(folder.resolve("anchors.jsonl"), lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws Exception {
        round.close();
        tokenizer.close();
        base.close();
        backend.close();
    }
}
