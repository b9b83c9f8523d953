package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.Linear;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A x of every module that an adapter applies to, kept from the forward for the backward pass.
 *
 * <p>Made for the ranks and modules of one adapter; fits every other of the same ranks and modules.
 */
final class AdapterScratch implements AutoCloseable {
    private final Backend backend;
    private final int[][] ranks;
    private final @Nullable Buffer[][] shrunk;
    private final Buffer gradient;
    private final List<Buffer> owned = new ArrayList<>();

    AdapterScratch(Backend backend, TrainableAdapter adapter, int layers, int rowsMax) {
        this.backend = backend;
        this.ranks = ranksOf(adapter, layers);
        this.shrunk = new @Nullable Buffer[layers][Linear.ALL.size()];
        for (int layer = 0; layer < layers; layer++) {
            for (Linear linear : Linear.ALL) {
                int rank = ranks[layer][linear.ordinal()];
                if (rank > 0) {
                    shrunk[layer][linear.ordinal()] = allocate((long) rowsMax * rank);
                }
            }
        }
        this.gradient = allocate((long) rowsMax * adapter.rankMax());
    }

    /** Returns whether the adapter has the ranks and modules that this was made for. */
    boolean fits(TrainableAdapter adapter) {
        return Arrays.deepEquals(ranks, ranksOf(adapter, ranks.length));
    }

    /** y += scale * B(A x), keeping A x. */
    void apply(Stream s, AdapterPart part, int layer, Linear linear, Buffer y, Buffer x, int rows) {
        Buffer h = shrunk(layer, linear);
        backend.matmul(s, h, x, part.a(), 1, 0, rows, part.in(), part.rank());
        backend.matmul(s, y, h, part.b(), part.scale(), 1, rows, part.rank(), part.out());
    }

    /** Returns A x of a module, [rows, rank]. */
    Buffer shrunk(int layer, Linear linear) {
        @Nullable Buffer buffer = shrunk[layer][linear.ordinal()];
        if (buffer == null) {
            throw new IllegalStateException("no adapter on " + linear.module(layer));
        }
        return buffer;
    }

    /** Returns scratch for the gradient of A x, [rows, rank]. */
    Buffer gradient() {
        return gradient;
    }

    @Override
    public void close() {
        owned.forEach(Buffer::close);
    }

    private Buffer allocate(long elements) {
        Buffer buffer = backend.allocate(DType.F32, elements);
        owned.add(buffer);
        return buffer;
    }

    private static int[][] ranksOf(TrainableAdapter adapter, int layers) {
        int[][] ranks = new int[layers][Linear.ALL.size()];
        for (int layer = 0; layer < layers; layer++) {
            for (Linear linear : Linear.ALL) {
                @Nullable AdapterPart part = adapter.part(layer, linear);
                ranks[layer][linear.ordinal()] = part == null ? 0 : part.rank();
            }
        }
        return ranks;
    }
}
