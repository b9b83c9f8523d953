package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.forward.ExpertBuffers;
import dev.flywheel.engine.forward.GateBuffers;
import dev.flywheel.engine.model.ExpertWeights;
import dev.flywheel.engine.model.Experts;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.staging.StagedFloats;
import dev.flywheel.engine.staging.StagedInts;
import java.util.List;

/**
 * A mixture of experts, backward: the gradient of what experts and router read. Both are frozen; which
 * experts a row is sent to counts as constant, their weights do not.
 *
 * <p>Owns scratch for {@code rowsMax} rows; not thread-safe.
 */
final class ExpertBackward implements AutoCloseable {
    private final Backend backend;
    private final int hidden;
    private final ModelSpec spec;
    private final Experts experts;
    private final StagedInts jobIndex;
    private final Buffer dSums;
    private final Buffer dGiven;
    private final GateGradients dGates;
    private final StagedFloats dWeights;
    private final StagedFloats dRouter;

    /** Gradients of what jobs compute inside, [jobs, intermediate]. */
    private record GateGradients(Buffer gate, Buffer up, Buffer activated) {}

    ExpertBackward(Backend backend, ModelSpec spec, int rowsMax) {
        this.backend = backend;
        this.hidden = spec.hiddenSize();
        this.spec = spec;
        this.experts = spec.requireExperts();
        int jobsMax = Math.multiplyExact(rowsMax, experts.perToken());
        this.jobIndex = new StagedInts(backend, jobsMax);
        this.dSums = floats(jobsMax, hidden);
        this.dGiven = floats(jobsMax, hidden);
        int inner = experts.intermediateSize();
        this.dGates = new GateGradients(
                floats(jobsMax, inner), floats(jobsMax, inner), floats(jobsMax, inner));
        this.dWeights = new StagedFloats(backend, jobsMax);
        this.dRouter = new StagedFloats(backend, Math.multiplyExact(rowsMax, experts.count()));
    }

    /**
     * Writes the gradient of the normed rows.
     *
     * @param kept what the forward pass computed
     * @param dOut [rows, hidden]
     * @param dNormed [rows, hidden], written
     */
    void run(Stream s, ExpertWeights w, ExpertBuffers kept, Buffer dOut, Buffer dNormed, int rows) {
        backend.gatherRows(s, dSums, dOut, kept.jobRows(), kept.jobs(), hidden);
        weigh(s, kept);
        throughExperts(s, w, kept);
        backend.fill(s, dNormed, 0, (long) rows * hidden);
        backend.scatterAddRows(s, dNormed, dSums, kept.jobRows(), null, kept.jobs(), hidden);
        throughRouter(s, kept, rows);
        backend.matmulGradInput(
                s, dNormed, dRouter.buffer(), w.router(), 1, 1, rows, hidden, experts.count());
    }

    /** From the gradient of each job's sum: those of its weight and of what it gives. */
    private void weigh(Stream s, ExpertBuffers kept) {
        int jobs = kept.jobs();
        for (int job = 0; job < jobs; job++) {
            jobIndex.set(job, job);
        }
        jobIndex.upload(s, jobs);
        // Row by row products, as an adapter of rank one for each row.
        backend.loraShrink(
                s, dWeights.buffer(), dSums, kept.given(), jobIndex.buffer(), jobs, hidden, 1);
        dWeights.download(s, jobs);
        backend.fill(s, dGiven, 0, (long) jobs * hidden);
        backend.scatterAddRows(
                s, dGiven, dSums, jobIndex.buffer(), kept.jobWeights(), jobs, hidden);
    }

    /** Writes the gradient of what each job reads to {@code dSums}. */
    private void throughExperts(Stream s, ExpertWeights w, ExpertBuffers kept) {
        int inner = experts.intermediateSize();
        forEach(w, kept, (expert, first, jobs) -> backend.matmulGradInput(
                s, rows(dGates.activated(), first, jobs, inner), rows(dGiven, first, jobs, hidden),
                expert.down(), 1, 0, jobs, inner, hidden));
        GateBuffers gates = kept.gates();
        backend.gatedActivationBackward(
                s, dGates.gate(), dGates.up(), dGates.activated(), gates.gate(), gates.up(),
                spec.activation(), (long) kept.jobs() * inner);
        forEach(w, kept, (expert, first, jobs) -> {
            Buffer dRead = rows(dSums, first, jobs, hidden);
            backend.matmulGradInput(
                    s, dRead, rows(dGates.gate(), first, jobs, inner), expert.gate(), 1, 0, jobs,
                    hidden, inner);
            backend.matmulGradInput(
                    s, dRead, rows(dGates.up(), first, jobs, inner), expert.up(), 1, 1, jobs,
                    hidden, inner);
        });
    }

    /** Works out the gradient of the router's scores, a few numbers for each row, on the host. */
    private void throughRouter(Stream s, ExpertBuffers kept, int rows) {
        int perToken = experts.perToken();
        int jobs = kept.jobs();
        kept.chosen().download(s, jobs);
        kept.chosenWeights().download(s, jobs);
        kept.routerLogits().download(s, rows * experts.count());
        double[] dChosen = new double[jobs];
        for (int job = 0; job < jobs; job++) {
            dChosen[kept.choices().get(job)] = dWeights.get(job);
        }
        for (int row = 0; row < rows; row++) {
            double[] d = experts.normalize() ? new double[experts.count()] : softmax(kept, row);
            double mean = 0;
            for (int k = row * perToken; k < (row + 1) * perToken; k++) {
                mean += kept.chosenWeights().get(k) * dChosen[k];
            }
            for (int expert = 0; expert < d.length; expert++) {
                d[expert] *= -mean;
            }
            for (int k = row * perToken; k < (row + 1) * perToken; k++) {
                double shift = experts.normalize() ? mean : 0;
                d[kept.chosen().get(k)] += kept.chosenWeights().get(k) * (dChosen[k] - shift);
            }
            for (int expert = 0; expert < d.length; expert++) {
                dRouter.set(row * d.length + expert, (float) d[expert]);
            }
        }
        dRouter.upload(s, rows * experts.count());
    }

    private double[] softmax(ExpertBuffers kept, int row) {
        double[] p = new double[experts.count()];
        double max = Double.NEGATIVE_INFINITY;
        for (int expert = 0; expert < p.length; expert++) {
            p[expert] = kept.routerLogits().get(row * p.length + expert);
            max = Math.max(max, p[expert]);
        }
        double sum = 0;
        for (int expert = 0; expert < p.length; expert++) {
            p[expert] = StrictMath.exp(p[expert] - max);
            sum += p[expert];
        }
        for (int expert = 0; expert < p.length; expert++) {
            p[expert] /= sum;
        }
        return p;
    }

    @FunctionalInterface
    private interface Work {
        void run(ExpertWeights.Expert expert, int first, int jobs);
    }

    private static void forEach(ExpertWeights w, ExpertBuffers kept, Work work) {
        for (int expert = 0; expert < w.experts().size(); expert++) {
            int first = kept.firstJob(expert);
            int jobs = kept.firstJob(expert + 1) - first;
            if (jobs > 0) {
                work.run(w.experts().get(expert), first, jobs);
            }
        }
    }

    private static Buffer rows(Buffer x, int first, int rows, int dim) {
        return x.slice((long) first * dim, (long) rows * dim);
    }

    private Buffer floats(int rows, int dim) {
        return backend.allocate(DType.F32, (long) rows * dim);
    }

    @Override
    public void close() {
        jobIndex.close();
        List.of(dSums, dGiven, dGates.gate(), dGates.up(), dGates.activated())
                .forEach(Buffer::close);
        dWeights.close();
        dRouter.close();
    }
}
