package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.ExpertWeights;
import dev.flywheel.engine.model.ModelSpec;
import java.util.List;

/**
 * A mixture of experts, forward: out += sum over a row's experts of weight * expert(x).
 *
 * <p>Each expert reads the rows sent to it as one matrix. Holds no state of a pass. Jiang et al.,
 * arXiv:2401.04088.
 */
final class ExpertForward {
    private final Backend backend;
    private final ModelSpec spec;

    ExpertForward(Backend backend, ModelSpec spec) {
        this.backend = backend;
        this.spec = spec;
    }

    /**
     * Runs the experts of one layer.
     *
     * @param x [rows, hidden], normed
     * @param out [rows, hidden], added to
     */
    void run(Stream s, ExpertWeights w, ExpertBuffers b, Buffer x, Buffer out, int rows) {
        int hidden = spec.hiddenSize();
        int count = spec.requireExperts().count();
        backend.matmul(
                s, b.routerLogits().buffer(), x, w.router(), 1, 0, rows, hidden, count);
        b.route(s, rows);
        backend.gatherRows(s, b.gathered(), x, b.jobRows(), b.jobs(), hidden);
        int inner = spec.requireExperts().intermediateSize();
        GateBuffers gates = b.gates();
        forEach(w, b, (expert, first, jobs) -> {
            Buffer read = rows(b.gathered(), first, jobs, hidden);
            backend.matmul(
                    s, rows(gates.gate(), first, jobs, inner), read, expert.gate(), 1, 0, jobs,
                    hidden, inner);
            backend.matmul(
                    s, rows(gates.up(), first, jobs, inner), read, expert.up(), 1, 0, jobs,
                    hidden, inner);
        });
        backend.gatedActivation(
                s, gates.activated(), gates.gate(), gates.up(), spec.activation(),
                (long) b.jobs() * inner);
        forEach(w, b, (expert, first, jobs) -> backend.matmul(
                s, rows(b.given(), first, jobs, hidden),
                rows(gates.activated(), first, jobs, inner), expert.down(), 1, 0, jobs, inner,
                hidden));
        backend.scatterAddRows(
                s, out, b.given(), b.jobRows(), b.jobWeights(), b.jobs(), hidden);
    }

    @FunctionalInterface
    private interface Work {
        void run(ExpertWeights.Expert expert, int first, int jobs);
    }

    /** Calls the experts that have jobs. */
    private static void forEach(ExpertWeights w, ExpertBuffers b, Work work) {
        List<ExpertWeights.Expert> experts = w.experts();
        for (int expert = 0; expert < experts.size(); expert++) {
            int first = b.firstJob(expert);
            int jobs = b.firstJob(expert + 1) - first;
            if (jobs > 0) {
                work.run(experts.get(expert), first, jobs);
            }
        }
    }

    private static Buffer rows(Buffer x, int first, int rows, int dim) {
        return x.slice((long) first * dim, (long) rows * dim);
    }
}
