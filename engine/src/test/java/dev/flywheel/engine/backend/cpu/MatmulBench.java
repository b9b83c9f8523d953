package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Speed of the three products of a linear layer, on one thread, beside the multiply-add peak of the
 * same core in the same run. Run {@link #main}; the build does not.
 *
 * <p>Before timing, each shape is checked against the reference.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-XX:+UseSerialGC"})
public class MatmulBench {
    private static final int PEAK_STEPS = 4096;
    private static final int PEAK_CHAINS = 12;

    /** Rows x in x out. */
    @Param({"1x128x384", "16x128x384", "64x128x384", "300x128x128", "300x128x2048",
        "2048x128x384", "64x576x1536"}) public String shape = "";

    private int rows;
    private int in;
    private int out;
    private Backend backend = new CpuBackend(1, 1 << 28);
    private Stream stream = backend.stream(Stream.Priority.TRAINING);
    private Buffer x = f32(backend, 1, 1);
    private Buffer y = x;
    private Buffer frozen = x;
    private Buffer trained = x;
    private Buffer gradient = x;

    @Setup
    public void prepare() {
        String[] sizes = shape.split("x", -1);
        rows = Integer.parseInt(sizes[0]);
        in = Integer.parseInt(sizes[1]);
        out = Integer.parseInt(sizes[2]);
        x = f32(backend, 1, rows * in);
        y = f32(backend, 2, rows * out);
        trained = f32(backend, 3, out * in);
        frozen = bf16(backend, 3, out * in);
        gradient = f32(backend, 4, out * in);
        check();
    }

    @TearDown
    public void close() {
        backend.close();
    }

    @Benchmark
    public void frozenForward() {
        backend.matmul(stream, y, x, frozen, 1, 0, rows, in, out);
    }

    @Benchmark
    public void trainedForward() {
        backend.matmul(stream, y, x, trained, 1, 0, rows, in, out);
    }

    @Benchmark
    public void gradInput() {
        backend.matmulGradInput(stream, x, y, frozen, 1, 0, rows, in, out);
    }

    @Benchmark
    public void gradWeight() {
        backend.matmulGradWeight(stream, gradient, y, x, 1, 0, rows, in, out);
    }

    /** Multiply-adds in registers only: what the other figures are a share of. */
    @Benchmark
    public float peak() {
        FloatVector factor = FloatVector.broadcast(Microkernels.LANES, 0.999f);
        FloatVector a0 = factor;
        FloatVector a1 = factor;
        FloatVector a2 = factor;
        FloatVector a3 = factor;
        FloatVector a4 = factor;
        FloatVector a5 = factor;
        FloatVector a6 = factor;
        FloatVector a7 = factor;
        FloatVector a8 = factor;
        FloatVector a9 = factor;
        FloatVector b0 = factor;
        FloatVector b1 = factor;
        for (int i = 0; i < PEAK_STEPS; i++) {
            a0 = a0.fma(factor, factor);
            a1 = a1.fma(factor, factor);
            a2 = a2.fma(factor, factor);
            a3 = a3.fma(factor, factor);
            a4 = a4.fma(factor, factor);
            a5 = a5.fma(factor, factor);
            a6 = a6.fma(factor, factor);
            a7 = a7.fma(factor, factor);
            a8 = a8.fma(factor, factor);
            a9 = a9.fma(factor, factor);
            b0 = b0.fma(factor, factor);
            b1 = b1.fma(factor, factor);
        }
        FloatVector sum = a0.add(a1).add(a2).add(a3).add(a4).add(a5).add(a6).add(a7).add(a8);
        return sum.add(a9).add(b0).add(b1).lane(0);
    }

    public static void main(String[] args) throws RunnerException {
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                .include(MatmulBench.class.getName())
                .build()).run();
        double peak = 0;
        for (RunResult result : results) {
            if (result.getPrimaryResult().getLabel().equals("peak")) {
                double flops = 2.0 * PEAK_STEPS * PEAK_CHAINS * Microkernels.W;
                peak = Math.max(peak, flops / result.getPrimaryResult().getScore());
            }
        }
        for (RunResult result : results) {
            String shape = result.getParams().getParam("shape");
            double flops = 2;
            for (String size : shape.split("x", -1)) {
                flops *= Integer.parseInt(size);
            }
            double rate = flops / result.getPrimaryResult().getScore();
            if (!result.getPrimaryResult().getLabel().equals("peak")) {
                System.out.printf("%-16s %-14s %7.1f GFLOP/s, %3.0f %% of %.0f%n",
                        result.getPrimaryResult().getLabel(), shape, rate, 100 * rate / peak,
                        peak);
            }
        }
    }

    private void check() {
        Backend judge = new ReferenceBackend();
        Stream s = judge.stream(Stream.Priority.TRAINING);
        Buffer expected = f32(judge, 2, rows * out);
        Buffer weight = bf16(judge, 3, out * in);
        judge.matmul(s, expected, f32(judge, 1, rows * in), weight, 1, 0, rows, in, out);
        frozenForward();
        float[] want = read(judge, s, expected);
        float[] got = read(backend, stream, y);
        for (int i = 0; i < want.length; i++) {
            if (!(Math.abs(want[i] - got[i]) <= 1e-4 * (1 + Math.abs(want[i])))) {
                throw new IllegalStateException(
                        shape + ", element " + i + ": got " + got[i] + ", expected " + want[i]);
            }
        }
    }

    private static Buffer f32(Backend backend, int seed, int n) {
        Buffer buffer = backend.allocate(DType.F32, n);
        backend.upload(backend.stream(Stream.Priority.TRAINING),
                MemorySegment.ofArray(values(seed, n)), buffer);
        return buffer;
    }

    private static Buffer bf16(Backend backend, int seed, int n) {
        short[] halves = new short[n];
        float[] values = values(seed, n);
        for (int i = 0; i < n; i++) {
            halves[i] = (short) (Float.floatToIntBits(values[i]) >>> 16);
        }
        return backend.wrap(DType.BF16, MemorySegment.ofArray(halves));
    }

    private static float[] values(int seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    private static float[] read(Backend backend, Stream s, Buffer buffer) {
        float[] values = new float[(int) buffer.elements()];
        backend.download(s, buffer, MemorySegment.ofArray(values));
        return values;
    }
}
