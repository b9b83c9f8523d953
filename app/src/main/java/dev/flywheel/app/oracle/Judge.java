package dev.flywheel.app.oracle;

/** Runs the engine over the cases of one kind and compares. */
interface Judge {
    /**
     * Judges one case.
     *
     * @throws BadCaseException if the case cannot be judged
     * @throws RuntimeException one of the documented ones if the engine refuses the case's files
     */
    void judge(OracleCase at, Findings findings, Actual actual);
}
