package dev.flywheel.store;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.PutOutcomeReply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a command costs over gRPC with its sync, and what a whole round costs: a claim of 64 examples, weights and optimizer state
 * of 256 KB and 512 KB, the outcome. The disk's sync is the floor: compare with {@code sync} alone.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 3)
@Measurement(iterations = 3, time = 5)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class CommitBench {
    private final Random random = new Random(3);
    private Path folder;
    private RunningStore running;
    private FileChannel plain;
    private long epoch;
    private long head;

    @Setup
    public void open() throws IOException {
        folder = Files.createTempDirectory("commit-bench");
        running = new RunningStore(folder.resolve("store"));
        epoch = running.createAdapter("a");
        running.createAdapter("other");
        plain = FileChannel.open(folder.resolve("plain"),
                StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    @TearDown
    public void close() throws IOException {
        plain.close();
        running.close();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException failure) {
                    throw new UncheckedIOException(failure);
                }
            });
        }
    }

    /** The floor: one kilobyte appended to a file and synced. */
    @Benchmark
    public int sync() throws IOException {
        int written = plain.write(ByteBuffer.allocate(1_024));
        plain.force(false);
        return written;
    }

    @Benchmark
    public AcquireEpochReply command() {
        return running.client.acquireEpoch("other", "bench");
    }

    @Benchmark
    public PutOutcomeReply round() {
        long seq = head + 1;
        running.client.putManifest(Samples.manifest("a", seq, epoch, head,
                IntStream.range(0, 64).mapToObj(i -> "e" + seq + "-" + i).toArray(String[]::new)));
        byte[] weights = new byte[256 << 10];
        byte[] optimizer = new byte[512 << 10];
        random.nextBytes(weights);
        random.nextBytes(optimizer);
        running.client.putBlob(weights);
        running.client.putBlob(optimizer);
        PutOutcomeReply reply = running.client
                .putOutcome(Samples.committed("a", seq, epoch, weights, optimizer));
        head = reply.getHead();
        return reply;
    }
}
