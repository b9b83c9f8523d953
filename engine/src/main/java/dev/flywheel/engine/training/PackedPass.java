package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.LayerBuffers;
import dev.flywheel.engine.forward.LayerForward;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.model.RopeTables;
import dev.flywheel.engine.staging.StagedInts;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Forward and backward over a packed batch, layer by layer, each a slice of the device loop (P10).
 *
 * <p>Activations of all layers are kept for {@code rowsMax} rows. Not thread-safe.
 */
final class PackedPass implements AutoCloseable {
    private static final int SPAN = 3;

    private final Backend backend;
    private final ModelSpec spec;
    private final ModelWeights weights;
    private final DeviceLoop loop;
    private final int rowsMax;
    private final Stream stream;
    private final LayerForward forward;
    private final LayerBackward backward;
    private final HeadPass head;
    private final StagedInts ids;
    private final StagedInts positions;
    private final StagedInts spans;
    private final List<Buffer> residuals = new ArrayList<>();
    private final List<LayerBuffers> kept = new ArrayList<>();
    private final List<Buffer> logSumExps = new ArrayList<>();
    private final Buffer dResidual;
    private @Nullable AdapterScratch scratch;

    private int rows;
    private @Nullable TrainableAdapter adapter;

    PackedPass(
            Backend backend, ModelSpec spec, ModelWeights weights, RopeTables ropes,
            DeviceLoop loop, int rowsMax, int logitsElements) {
        if (rowsMax < 1) {
            throw new IllegalArgumentException("rowsMax is " + rowsMax + ", expected at least 1");
        }
        this.backend = backend;
        this.spec = spec;
        this.weights = weights;
        this.loop = loop;
        this.rowsMax = rowsMax;
        this.stream = backend.stream(Stream.Priority.TRAINING);
        this.forward = new LayerForward(backend, spec, weights, ropes);
        this.backward = new LayerBackward(backend, spec, weights, ropes, rowsMax);
        this.head = new HeadPass(
                backend, spec, weights, rowsMax, logitsElements, this::unit);
        this.ids = new StagedInts(backend, rowsMax);
        this.positions = new StagedInts(backend, rowsMax);
        this.spans = new StagedInts(backend, SPAN * rowsMax);
        this.dResidual = LayerBuffers.hidden(backend, spec, rowsMax);
        residuals.add(LayerBuffers.hidden(backend, spec, rowsMax));
        for (int layer = 0; layer < spec.layers(); layer++) {
            residuals.add(LayerBuffers.hidden(backend, spec, rowsMax));
            kept.add(LayerBuffers.keptSet(
                    backend, spec, layer, rowsMax, residuals.get(layer),
                    residuals.get(layer + 1)));
            logSumExps.add(backend.allocate(DType.F32, (long) rowsMax * spec.heads()));
        }
    }

    int rowsMax() {
        return rowsMax;
    }

    HeadPass head() {
        return head;
    }

    /** Returns the last layer's output, [rows, hidden]. */
    Buffer output() {
        return residuals.getLast();
    }

    /** Returns the gradient that {@link #backward} starts from, [rows, hidden]. */
    Buffer dResidual() {
        return dResidual;
    }

    /** Hands a batch to the device. */
    void begin(PackedBatch batch) {
        requireFits(batch);
        rows = batch.rows();
        for (int i = 0; i < rows; i++) {
            ids.set(i, batch.tokens()[i]);
        }
        for (PackedBatch.Segment segment : batch.segments()) {
            layOut(batch, segment);
        }
        unit(s -> {
            ids.upload(s, rows);
            positions.upload(s, rows);
            spans.upload(s, SPAN * rows);
            head.begin(s, batch);
        });
    }

    private void layOut(PackedBatch batch, PackedBatch.Segment segment) {
        int prefixStart = 0;
        int prefixLength = 0;
        if (segment.parent() != PackedBatch.NO_PARENT) {
            PackedBatch.Segment parent = batch.segments().get(segment.parent());
            prefixStart = parent.start();
            prefixLength = parent.length();
        }
        for (int i = 0; i < segment.length(); i++) {
            int row = segment.start() + i;
            positions.set(row, prefixLength + i);
            spans.set(SPAN * row, prefixStart);
            spans.set(SPAN * row + 1, prefixStart + prefixLength);
            spans.set(SPAN * row + 2, segment.start());
        }
    }

    /** Runs the layers, with the adapter or, for null, the bare weights. */
    void forward(@Nullable TrainableAdapter active) {
        adapter = active;
        LayerForward.Adapters adapters = LayerForward.Adapters.NONE;
        if (active != null) {
            AdapterScratch shrunk = scratchFor(active);
            adapters = (s, layer, linear, y, x, n) -> adapt(active, shrunk, s, layer, linear, y, x);
        }
        LayerForward.Adapters chosen = adapters;
        for (int layer = 0; layer < spec.layers(); layer++) {
            int current = layer;
            unit(s -> forwardLayer(s, current, chosen));
        }
    }

    private void forwardLayer(Stream s, int layer, LayerForward.Adapters adapters) {
        if (layer == 0) {
            backend.embed(
                    s, residuals.getFirst(), weights.embedding(), ids.buffer(),
                    spec.embeddingScale(), rows, spec.hiddenSize());
        }
        forward.run(s, layer, kept.get(layer), positions.buffer(), this::attend, adapters, rows);
    }

    private void attend(Stream s, int layer, LayerBuffers b, int n) {
        backend.attendPacked(
                s, b.attended(), logSumExps.get(layer), b.query(), b.key(), b.value(),
                spans.buffer(), positions.buffer(), spec.attentionShape(layer), n);
    }

    private void adapt(
            TrainableAdapter active, AdapterScratch shrunk, Stream s, int layer, Linear linear,
            Buffer y, Buffer x) {
        @Nullable AdapterPart part = active.part(layer, linear);
        if (part != null) {
            shrunk.apply(s, part, layer, linear, y, x, rows);
        }
    }

    /** Makes {@link #dResidual} zero. */
    void beginBackward() {
        unit(s -> backend.fill(s, dResidual, 0, (long) rows * spec.hiddenSize()));
    }

    /**
     * Runs the layers backward from {@link #dResidual}.
     *
     * @param gradients of all weights, or null to train the adapter alone
     */
    void backward(@Nullable ModelWeights gradients) {
        @Nullable TrainableAdapter trained = adapter;
        int lowest = gradients != null || trained == null ? 0 : trained.lowestLayer();
        for (int layer = spec.layers() - 1; layer >= lowest; layer--) {
            int current = layer;
            boolean inputWanted = gradients != null || layer > lowest;
            unit(s -> backward.run(new LayerBackward.Call(
                    s, current, rows, kept.get(current), logSumExps.get(current),
                    positions.buffer(), spans.buffer(), trained, scratch,
                    gradients == null ? null : gradients.layers().get(current), dResidual,
                    inputWanted)));
        }
        if (gradients != null) {
            unit(s -> backend.embedBackward(
                    s, gradients.embedding(), dResidual, ids.buffer(), spec.embeddingScale(), rows,
                    spec.hiddenSize()));
        }
    }

    /** Runs one unit of work on the training stream and waits for it: the device is free after. */
    void unit(Consumer<Stream> work) {
        loop.slice(() -> {
            work.accept(stream);
            stream.synchronize();
        });
    }

    private AdapterScratch scratchFor(TrainableAdapter active) {
        if (scratch != null && scratch.fits(active)) {
            return scratch;
        }
        if (scratch != null) {
            scratch.close();
        }
        scratch = new AdapterScratch(backend, active, spec.layers(), rowsMax);
        return scratch;
    }

    private void requireFits(PackedBatch batch) {
        if (batch.rows() > rowsMax) {
            throw new IllegalArgumentException(
                    "the batch has " + batch.rows() + " rows, the pass takes at most " + rowsMax);
        }
        for (int token : batch.tokens()) {
            requireToken(token);
        }
        batch.targets().forEach(target -> requireToken(target.token()));
        for (PackedBatch.Segment segment : batch.segments()) {
            int parent = segment.parent() == PackedBatch.NO_PARENT
                    ? 0
                    : batch.segments().get(segment.parent()).length();
            if (parent + segment.length() > spec.positionsMax()) {
                throw new IllegalArgumentException(
                        "a sequence has " + (parent + segment.length())
                                + " tokens, the model takes at most " + spec.positionsMax());
            }
        }
    }

    private void requireToken(int token) {
        if (token < 0 || token >= spec.vocabSize()) {
            throw new IllegalArgumentException(
                    "token id " + token + " is outside the vocabulary of " + spec.vocabSize());
        }
    }

    @Override
    public void close() {
        stream.close();
        backward.close();
        head.close();
        ids.close();
        positions.close();
        spans.close();
        kept.forEach(set -> set.closeAllBut(residuals));
        residuals.forEach(Buffer::close);
        logSumExps.forEach(Buffer::close);
        dResidual.close();
        if (scratch != null) {
            scratch.close();
        }
    }
}
