package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.adapter.Warming;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.harness.NoSource;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.SchedulerLimits;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EngineLoopTest {
    private static final int BLOCKS = 64;

    @TempDir private Path folder;
    private final ServingMetrics metrics = new ServingMetrics(new SimpleMeterRegistry());
    private final CountDownLatch died = new CountDownLatch(1);
    private Backend backend;
    private BaseModel base;
    private Tokenizer tokenizer;
    private AdapterSlots slots;
    private KvCache cache;
    private ForwardPass pass;
    private ServedVersions versions;
    private EngineLoop loop;

    @BeforeEach
    void open() {
        TinyBase.SMALL.write(folder, 5);
        backend = Backends.open("reference", 1);
        base = BaseModel.load(folder, backend);
        tokenizer = Tokenizer.load(folder);
        slots = new AdapterSlots(base, 2, 4);
        cache = new KvCache(base, BLOCKS, 8);
        pass = new ForwardPass(base, slots, cache, 16);
        DeviceLoop device = new DeviceLoop(1, System::nanoTime);
        versions = new ServedVersions(base, slots, device, new NoSource(), Warming.NONE, 0, metrics,
                InstantSource.system(), System::nanoTime);
        loop = new EngineLoop(pass, cache, device,
                new LoopLimits(new SchedulerLimits(16, 8, 16, 10_000, 16, BLOCKS, 8),
                        Duration.ofMinutes(1), 1_000),
                metrics, System::nanoTime,
                died::countDown);
        loop.start();
    }

    @AfterEach
    void close() {
        loop.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS);
        versions.close();
        pass.close();
        cache.close();
        slots.close();
        tokenizer.close();
        base.close();
        backend.close();
    }

    @Test
    void aFaultInsideOneRequestFailsThatRequestAlone() throws Exception {
        CompletableFuture<Answer> broken = answer(40, token -> {
            throw new IllegalStateException("the sink of this request is broken");
        });
        CompletableFuture<Answer> sound = answer(40, token -> {});
        assertThat(sound.get(30, TimeUnit.SECONDS).ids()).hasSize(40);
        assertThatThrownBy(() -> broken.get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(ServingException.class,
                        why -> assertThat(why.code()).isEqualTo(ErrorCode.INTERNAL));
        assertThat(loop.alive()).isTrue();
    }

    @Test
    void anErrorOfOursEndsTheLoopLoudlyAndLeavesNobodyWaiting() throws Exception {
        CompletableFuture<Answer> fatal = answer(40, token -> {
            throw new LinkageError("simulated: the process is broken");
        });
        CompletableFuture<Answer> other = answer(200, token -> {});
        assertThat(died.await(30, TimeUnit.SECONDS)).isTrue();
        for (CompletableFuture<Answer> each : List.of(fatal, other)) {
            assertThatThrownBy(() -> each.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class);
        }
        assertThatThrownBy(() -> answer(1, token -> {}).get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class);
    }

    @Test
    void aJobThatCannotFitIsRefusedByItsSize() {
        CompletableFuture<Answer> huge = answer(BLOCKS * 8, token -> {});
        assertThatThrownBy(() -> huge.get(30, TimeUnit.SECONDS)).cause()
                .isInstanceOfSatisfying(ServingException.class,
                        why -> assertThat(why.code()).isEqualTo(ErrorCode.CONTEXT_TOO_LONG));
    }

    private CompletableFuture<Answer> answer(int tokens, IntConsumer each) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        Lease lease = versions.leaseBase();
        AnswerJob.Order order = new AnswerJob.Order(new int[] {'o', 'n', ' ', 'a'}, tokens,
                Sampling.greedy(), Set.of(), List.of(), 0);
        loop.submit(new AnswerJob("default", order, tokenizer.streamDecoder(), new AnswerSink() {
            @Override
            public void token(DrawnToken token, String text) {
                each.accept(token.id());
            }

            @Override
            public void end(Answer whole) {
                answer.complete(whole);
            }

            @Override
            public void fail(ServingException why) {
                answer.completeExceptionally(why);
            }
        }, metrics, lease, System.nanoTime(), System.nanoTime() + TimeUnit.MINUTES.toNanos(1)));
        return answer;
    }
}
