package dev.flywheel.app.oracle;

/** What a case asks of an engine. */
enum Expectation {
    /** The golden results, within the tolerance. */
    MATCH,
    /** The golden results, or an error that names what is not supported; never other results. */
    MATCH_OR_REFUSE,
    /** An error that names the problem. */
    REFUSE,
    /** It must load, with the golden results where there are some. */
    ACCEPT;

    static Expectation of(String text) {
        return switch (text) {
            case "match" -> MATCH;
            case "match_or_refuse" -> MATCH_OR_REFUSE;
            case "refuse" -> REFUSE;
            case "accept" -> ACCEPT;
            default -> throw new BadCaseException(
                    "expect is \"%s\"; known are match, match_or_refuse, refuse, accept"
                            .formatted(text));
        };
    }
}
