package dev.flywheel.app.oracle;

import dev.flywheel.app.local.StartException;
import dev.flywheel.engine.backend.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Judges the cases of an oracle folder one after the other. */
public final class OracleRun {
    private final SortedMap<String, Path> cases;
    private final Backend backend;
    private final @Nullable Path dump;
    private final LongSupplier nanoTime;

    /** Is told of what goes on. */
    public interface Watcher {
        /** A case begins, after {@code done} others. */
        void begins(String id, int done);

        /** A case has been judged. */
        void judged(CaseReport report);
    }

    /**
     * Finds the cases.
     *
     * @param prefix of the ids of the cases to run
     * @param dump where to write what was computed, if anywhere
     * @throws StartException if there is no case to run
     */
    public OracleRun(
            Path folder, String prefix, Backend backend, @Nullable Path dump,
            LongSupplier nanoTime) {
        this.cases = OracleFolder.find(folder, prefix);
        this.backend = backend;
        this.dump = dump;
        this.nanoTime = nanoTime;
    }

    /** Returns how many cases there are. */
    public int size() {
        return cases.size();
    }

    /** Judges all cases. */
    public OracleReport run(Watcher watcher) {
        long start = nanoTime.getAsLong();
        List<CaseReport> reports = new ArrayList<>();
        try (Bases bases = new Bases(backend)) {
            cases.forEach((id, folder) -> {
                watcher.begins(id, reports.size());
                CaseReport report = judge(id, folder, bases);
                reports.add(report);
                watcher.judged(report);
            });
        }
        return OracleReport.of(backend.name(), reports, secondsSince(start));
    }

    private CaseReport judge(String id, Path folder, Bases bases) {
        long start = nanoTime.getAsLong();
        Findings findings = new Findings();
        String kind = "";
        String tier = "";
        String expect = "";
        Outcome outcome = Outcome.FAIL;
        try {
            OracleCase at = OracleCase.open(id, folder);
            kind = at.kind();
            tier = at.manifest().path("tier").asText();
            expect = at.text("expect");
            outcome = judge(at, bases, findings);
        } catch (BadCaseException e) {
            findings.problem("bad case: " + Refusals.line(e));
        }
        return CaseReport.of(id, kind, tier, expect, outcome, findings, secondsSince(start));
    }

    private Outcome judge(OracleCase at, Bases bases, Findings findings) {
        Expectation expectation = at.expectation();
        Actual actual = new Actual(dump != null);
        Outcome outcome;
        try {
            judgeOf(at.kind(), bases).judge(at, findings, actual);
            outcome = findings.good() ? Outcome.PASS : Outcome.FAIL;
        } catch (BadCaseException e) {
            throw e;
        } catch (RuntimeException e) {
            outcome = refused(e, expectation, findings);
            actual.onlyVerdict(Refusals.line(e));
        }
        write(at, actual);
        return outcome;
    }

    private static Outcome refused(
            RuntimeException e, Expectation expectation, Findings findings) {
        if (!Refusals.isRefusal(e)) {
            findings.problem("not a documented refusal: " + e);
            return Outcome.FAIL;
        }
        findings.remark("refused: " + Refusals.line(e));
        if (expectation == Expectation.MATCH_OR_REFUSE && Refusals.isForFeature(e)) {
            return findings.good() ? Outcome.REFUSED : Outcome.FAIL;
        }
        findings.problem(
                expectation == Expectation.MATCH_OR_REFUSE
                        ? "refused, but not as a feature that is not supported"
                        : "must be supported");
        return Outcome.FAIL;
    }

    private Judge judgeOf(String kind, Bases bases) {
        return switch (kind) {
            case "model", "adapter" -> new ForwardJudge(bases);
            case "training" -> new TrainingJudge(bases);
            case "tokenizer" -> new TokenizerJudge();
            case "robustness" -> new RobustnessJudge(bases, nanoTime);
            default -> throw new BadCaseException(
                    "kind is \"%s\"; known are model, adapter, training, tokenizer, robustness"
                            .formatted(kind));
        };
    }

    private void write(OracleCase at, Actual actual) {
        if (dump == null) {
            return;
        }
        try {
            actual.write(dump.resolve(at.id()));
        } catch (IOException e) {
            throw new StartException(
                    "folder %s given with --dump cannot be written: %s".formatted(dump, e), e);
        }
    }

    private double secondsSince(long start) {
        return (nanoTime.getAsLong() - start) / 1e9;
    }
}
