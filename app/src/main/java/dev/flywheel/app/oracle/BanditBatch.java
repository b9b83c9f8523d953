package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BanditObjective;
import dev.flywheel.trainer.objective.LoggedDecision;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Logged choices among candidates, with what they earned.
 *
 * @param terms the candidates' scores, one decision after the other
 */
record BanditBatch(
        PackedBatch rows,
        OptionTerms terms,
        List<JsonNode> examples,
        BanditObjective objective,
        boolean policyGradient)
        implements
            TrainingBatch {
    static BanditBatch of(JsonNode batch, BanditObjective objective, boolean policyGradient) {
        AnswerLayout layout = new AnswerLayout();
        List<JsonNode> examples = List.copyOf(Entries.objects(batch, "examples"));
        for (JsonNode example : examples) {
            int prompt = layout.prompt(example.path("prompt"));
            OracleCase.list(example, "candidates")
                    .forEach(candidate -> layout.answer(prompt, candidate));
        }
        return new BanditBatch(layout.rows(), layout.terms(), examples, objective, policyGradient);
    }

    @Override
    public boolean needsReference() {
        return false;
    }

    @Override
    public Loss loss(double[] logProbs, double[] reference) {
        List<LoggedDecision> decisions = decisions(logProbs);
        BanditObjective.BatchLoss loss =
                policyGradient ? objective.policyGradient(decisions) : objective.value(decisions);
        double[] slopes =
                loss.gradients().stream().flatMapToDouble(Arrays::stream).toArray();
        return new Loss(loss.value(), terms.toTargets(slopes));
    }

    @Override
    public void describe(double[] logProbs, double[] reference, ObjectNode into) {
        ArrayNode scores = into.putArray("scores");
        double[] pi = new double[examples.size()];
        double[] rho = new double[examples.size()];
        List<LoggedDecision> decisions = decisions(logProbs);
        for (int i = 0; i < pi.length; i++) {
            LoggedDecision decision = decisions.get(i);
            double[] scaled =
                    Arrays.stream(decision.scores())
                            .map(s -> s / objective.temperature())
                            .toArray();
            double max = Arrays.stream(scaled).max().orElse(0);
            double sum = Arrays.stream(scaled).map(s -> Math.exp(s - max)).sum();
            pi[i] = Math.exp(scaled[decision.action()] - max) / sum;
            rho[i] = pi[i] / decision.propensity();
            Actual.add(scores.addArray(), scaled);
        }
        Actual.add(into.putArray("pi_action"), pi);
        Actual.add(into.putArray("rho"), rho);
    }

    private List<LoggedDecision> decisions(double[] logProbs) {
        double[] scores = terms.scores(logProbs);
        List<LoggedDecision> decisions = new ArrayList<>();
        int next = 0;
        for (JsonNode example : examples) {
            int candidates = example.path("candidates").size();
            decisions.add(
                    new LoggedDecision(
                            Arrays.copyOfRange(scores, next, next + candidates),
                            Entries.whole(example, "action"),
                            number(example, "propensity"),
                            number(example, "reward"),
                            number(example, "weight")));
            next += candidates;
        }
        return decisions;
    }

    private static double number(JsonNode example, String key) {
        return OracleCase.number(example, "example", key);
    }
}
