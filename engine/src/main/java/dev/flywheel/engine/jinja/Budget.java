package dev.flywheel.engine.jinja;

/** Counts what one rendering does against its limits. Not thread-safe; one per rendering. */
final class Budget {
    private final Limits limits;
    private long steps;
    private long characters;
    private int depth;

    Budget(Limits limits) {
        this.limits = limits;
    }

    void step() {
        steps(1);
    }

    void steps(long count) {
        steps += count;
        if (steps > limits.steps()) {
            throw TemplateException.limit(
                    "the chat template took more than " + limits.steps() + " steps");
        }
    }

    /** Counts text about to be made, so that a refusal comes before the memory is taken. */
    void characters(long count) {
        characters += count;
        if (characters > limits.characters()) {
            throw TemplateException.limit(
                    "the chat template made more than " + limits.characters() + " characters");
        }
    }

    String made(String text) {
        characters(text.length());
        return text;
    }

    void enter() {
        if (++depth > limits.depth()) {
            throw TemplateException.limit(
                    "the chat template went deeper than " + limits.depth()
                            + " blocks within each other");
        }
    }

    void leave() {
        depth--;
    }
}
