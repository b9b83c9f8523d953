package dev.flywheel.engine.jinja;

/** What filters and tests work with. */
record Runtime(Budget budget, Operators operators, Members members) {
    static Runtime of(Budget budget) {
        Operators operators = new Operators(budget);
        return new Runtime(budget, operators, new Members(operators, budget));
    }
}
