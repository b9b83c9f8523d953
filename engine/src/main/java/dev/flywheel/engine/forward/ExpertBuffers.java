package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.Experts;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.staging.StagedFloats;
import dev.flywheel.engine.staging.StagedInts;
import java.util.Arrays;

/**
 * What the experts of one layer compute, and which expert computes what.
 *
 * <p>A row is sent to {@code perToken} experts; each such pair is a job. Jobs are kept in the order of
 * experts, and of rows for each, so that the jobs of one expert lie side by side and what a row gets
 * is added in one order whatever else is in the batch. Not thread-safe; owns its memory.
 */
public final class ExpertBuffers implements AutoCloseable {
    private final Backend backend;
    private final Experts experts;
    private final StagedFloats routerLogits;
    private final StagedInts chosen;
    private final StagedFloats chosenWeights;
    private final StagedInts choices;
    private final StagedInts jobRows;
    private final Buffer jobWeights;
    private final Buffer gathered;
    private final GateBuffers gates;
    private final Buffer given;
    private final int[] firstJobs;
    private int jobs;

    private ExpertBuffers(Backend backend, ModelSpec spec, int rows, boolean kept) {
        this.backend = backend;
        this.experts = spec.requireExperts();
        int jobsMax = Math.multiplyExact(rows, experts.perToken());
        this.routerLogits = new StagedFloats(
                backend, Math.multiplyExact(rows, experts.count()));
        this.chosen = new StagedInts(backend, jobsMax);
        this.chosenWeights = new StagedFloats(backend, jobsMax);
        this.choices = new StagedInts(backend, jobsMax);
        this.jobRows = new StagedInts(backend, jobsMax);
        this.jobWeights = backend.allocate(DType.F32, jobsMax);
        this.gathered = backend.allocate(DType.F32, (long) jobsMax * spec.hiddenSize());
        this.gates = GateBuffers.allocate(backend, jobsMax, experts.intermediateSize(), kept);
        // What was gathered is not read any more once the gates are computed.
        this.given = gathered;
        this.firstJobs = new int[experts.count() + 1];
    }

    static ExpertBuffers allocate(Backend backend, ModelSpec spec, int rows, boolean kept) {
        return new ExpertBuffers(backend, spec, rows, kept);
    }

    /** Chooses the experts of each row from {@link #routerLogits} and lays out their jobs. */
    void route(Stream s, int rows) {
        int perToken = experts.perToken();
        jobs = rows * perToken;
        backend.routeExperts(
                s, chosen.buffer(), chosenWeights.buffer(), routerLogits.buffer(),
                experts.normalize(), rows, experts.count(), perToken);
        chosen.download(s, jobs);
        Arrays.fill(firstJobs, 0);
        for (int choice = 0; choice < jobs; choice++) {
            firstJobs[chosen.get(choice) + 1]++;
        }
        for (int expert = 0; expert < experts.count(); expert++) {
            firstJobs[expert + 1] += firstJobs[expert];
        }
        int[] next = firstJobs.clone();
        for (int choice = 0; choice < jobs; choice++) {
            int job = next[chosen.get(choice)]++;
            choices.set(job, choice);
            jobRows.set(job, choice / perToken);
        }
        choices.upload(s, jobs);
        jobRows.upload(s, jobs);
        backend.gatherRows(
                s, jobWeights, chosenWeights.buffer(), choices.buffer(), jobs, 1);
    }

    /** Returns the jobs of the last call of {@link #route}. */
    public int jobs() {
        return jobs;
    }

    /** Returns the first job of an expert; those of the next one begin where its own end. */
    public int firstJob(int expert) {
        return firstJobs[expert];
    }

    /** Returns the router's scores, [rows, experts]. */
    public StagedFloats routerLogits() {
        return routerLogits;
    }

    /** Returns the experts chosen, [rows, perToken], on the host too. */
    public StagedInts chosen() {
        return chosen;
    }

    /** Returns the weights of the experts chosen, [rows, perToken]. */
    public StagedFloats chosenWeights() {
        return chosenWeights;
    }

    /** Returns for each job where in {@link #chosen} it stands, on the host too. */
    public StagedInts choices() {
        return choices;
    }

    /** Returns the row of each job. */
    public Buffer jobRows() {
        return jobRows.buffer();
    }

    /** Returns the weight of each job. */
    public Buffer jobWeights() {
        return jobWeights;
    }

    /** Returns the rows that the jobs read, [jobs, hidden], until {@link #given} is written. */
    Buffer gathered() {
        return gathered;
    }

    /** Returns what the jobs compute inside, [jobs, intermediate]. */
    public GateBuffers gates() {
        return gates;
    }

    /** Returns what the jobs give, before their weights, [jobs, hidden]. */
    public Buffer given() {
        return given;
    }

    @Override
    public void close() {
        routerLogits.close();
        chosen.close();
        chosenWeights.close();
        choices.close();
        jobRows.close();
        jobWeights.close();
        gathered.close();
        gates.close();
    }
}
