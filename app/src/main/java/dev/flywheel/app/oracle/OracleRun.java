package dev.flywheel.app.oracle;

import dev.flywheel.adapters.file.FileProblem;
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
    private static final String ROBUSTNESS = "robustness";

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
     * @throws StartException if there is no case to run, or what is to be written would lie among
     *     the cases
     */
    public OracleRun(
            Path folder, String prefix, Backend backend, @Nullable Path dump,
            LongSupplier nanoTime) {
        this.cases = OracleFolder.find(folder, prefix);
        this.backend = backend;
        if (dump != null) {
            DumpFolder.requireApart(dump, folder, cases.keySet());
        }
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
        Actual actual = new Actual(dump != null);
        try {
            OracleCase at = OracleCase.open(id, folder);
            kind = at.kind();
            tier = at.manifest().path("tier").asText();
            expect = at.text("expect");
            outcome = judge(at, bases, findings, actual);
        } catch (BadCaseException e) {
            findings.problem("bad case: " + Refusals.line(e));
            actual.nothing();
            if (kind.equals(ROBUSTNESS)) {
                actual.verdict("bad case: " + Refusals.line(e));
            }
        }
        write(id, actual);
        return CaseReport.of(id, kind, tier, expect, outcome, findings, secondsSince(start));
    }

    private Outcome judge(OracleCase at, Bases bases, Findings findings, Actual actual) {
        Expectation expectation = at.expectation();
        CaseFiles.check(at, findings);
        KnownKeys.manifest(at.manifest(), findings);
        try {
            judgeOf(at.kind(), bases).judge(at, findings, actual);
        } catch (BadCaseException e) {
            throw e;
        } catch (RuntimeException e) {
            actual.onlyVerdict(Refusals.words(e));
            return refused(e, expectation, findings);
        }
        if (expectation != Expectation.REFUSE) {
            requireAllUsed(at, findings);
        } else if (!at.kind().equals(ROBUSTNESS)) {
            findings.problem("expected to be refused, was accepted");
        }
        return findings.good() ? Outcome.PASS : Outcome.FAIL;
    }

    /** A tolerance for something that was not compared would pass it in silence. */
    private static void requireAllUsed(OracleCase at, Findings findings) {
        List<String> unused = at.tolerances().unused();
        if (findings.good() && !unused.isEmpty()) {
            throw new BadCaseException(
                    "%s: nothing was compared that has the tolerance %s"
                            .formatted(OracleCase.MANIFEST, String.join(", ", unused)));
        }
    }

    private static Outcome refused(
            RuntimeException e, Expectation expectation, Findings findings) {
        if (!Refusals.isRefusal(e)) {
            findings.problem("not a documented refusal: " + Refusals.words(e));
            return Outcome.FAIL;
        }
        findings.remark("refused: " + Refusals.line(e));
        if (expectation == Expectation.REFUSE) {
            return findings.good() ? Outcome.PASS : Outcome.FAIL;
        }
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
            case ROBUSTNESS -> new RobustnessJudge(bases, nanoTime);
            default -> throw new BadCaseException(
                    "kind is \"%s\"; known are model, adapter, training, tokenizer, robustness"
                            .formatted(kind));
        };
    }

    private void write(String id, Actual actual) {
        if (dump == null) {
            return;
        }
        try {
            actual.write(dump.resolve(id));
        } catch (IOException e) {
            throw new StartException(
                    "folder %s given with --dump cannot be written: %s"
                            .formatted(dump, FileProblem.words(e)),
                    e);
        }
    }

    private double secondsSince(long start) {
        return (nanoTime.getAsLong() - start) / 1e9;
    }
}
