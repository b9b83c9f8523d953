package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.DType;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the files of a model with tied embeddings hold for its table and its output head: as a rule
 * the table alone, but the head alone or both are seen too.
 *
 * <p>Files outrank the configuration, as in the reference implementation of these models: a head that
 * differs from the table is used for what it is.
 *
 * @param spec tied only if the files agree
 * @param tensors the table under its own name
 */
record TiedHead(ModelSpec spec, SortedMap<String, WeightFiles.Mapped> tensors) {
    private static final int PIECE = 1 << 14;

    /** Settles what a model is whose configuration says {@code spec}. */
    static TiedHead settle(ModelSpec spec, SortedMap<String, WeightFiles.Mapped> tensors) {
        WeightFiles.Mapped head = tensors.get(TensorNames.HEAD);
        if (!spec.tiedEmbeddings() || head == null) {
            return new TiedHead(spec, tensors);
        }
        WeightFiles.Mapped table = tensors.get(TensorNames.EMBEDDING);
        if (table == null) {
            SortedMap<String, WeightFiles.Mapped> renamed = new TreeMap<>(tensors);
            renamed.put(TensorNames.EMBEDDING, head);
            return new TiedHead(spec, renamed);
        }
        return new TiedHead(same(table, head) ? spec : spec.withOwnHead(), tensors);
    }

    /** Returns whether two tensors hold the same numbers, be they stored alike or not. */
    private static boolean same(WeightFiles.Mapped a, WeightFiles.Mapped b) {
        if (!a.entry().shape().equals(b.entry().shape())) {
            return false;
        }
        if (a.entry().type() == b.entry().type() && a.bytes().mismatch(b.bytes()) < 0) {
            return true;
        }
        DType typeOfA = WeightFiles.dtype(a.entry());
        Quantizer.Source first = StoredFloats.of(typeOfA, a.bytes());
        Quantizer.Source second = StoredFloats.of(WeightFiles.dtype(b.entry()), b.bytes());
        long elements = typeOfA.elements(a.bytes().byteSize());
        float[] x = new float[PIECE];
        float[] y = new float[PIECE];
        for (long from = 0; from < elements; from += PIECE) {
            int n = (int) Math.min(PIECE, elements - from);
            first.read(from, x, n);
            second.read(from, y, n);
            for (int i = 0; i < n; i++) {
                if (x[i] != y[i]) {
                    return false;
                }
            }
        }
        return true;
    }
}
