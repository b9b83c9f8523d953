package dev.flywheel.serving.settings;

/**
 * How candidates are read, scored and placed.
 *
 * @param contextTemplate what the model reads before all candidates; {@code {context}} is the request's
 * @param candidateTemplate what it reads for one candidate; {@code {text}} is the candidate's
 * @param accept the word whose log-odds over {@code reject} is the score; one token
 * @param reject one token
 * @param temperature scores are divided by this before softmax, nats; 0 is greedy
 * @param epsilon share of places that are drawn uniformly
 * @param propensityMin floor of each place's propensity
 */
public record RankSettings(
        String contextTemplate,
        String candidateTemplate,
        String accept,
        String reject,
        double temperature,
        double epsilon,
        double propensityMin) {
    public static final String CONTEXT = "{context}";
    public static final String TEXT = "{text}";

    public RankSettings {
        requireHolds("context_template", contextTemplate, CONTEXT);
        requireHolds("candidate_template", candidateTemplate, TEXT);
        Checks.within("temperature", temperature, 0, 1e6);
        Checks.within("epsilon", epsilon, 0, 1);
        Checks.within("propensity_min", propensityMin, 0, 1);
    }

    public static RankSettings defaults() {
        return new RankSettings("Reader: {context}\n", "Text: {text}\nLikes:", " yes", " no", 0.25,
                0.05, 0);
    }

    private static void requireHolds(String name, String template, String place) {
        if (!template.contains(place)) {
            throw new IllegalArgumentException(
                    "%s is \"%s\", it must contain %s".formatted(name, template, place));
        }
    }
}
