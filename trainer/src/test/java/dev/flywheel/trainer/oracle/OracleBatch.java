package dev.flywheel.trainer.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BanditObjective;
import dev.flywheel.trainer.objective.LoggedDecision;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.SftObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A batch of the oracle as rows and targets, and its loss by our objectives. */
sealed interface OracleBatch {
    PackedBatch rows();

    Loss loss(double[] logProbs);

    static OracleBatch of(OracleCase at, int index) {
        JsonNode examples = at.batches.get(index).path("examples");
        return switch (at.manifest.path("loss").asText()) {
            case "sft" -> Sft.of(examples);
            case "bandit_pg" -> Bandit.of(examples, objective(at), true);
            case "bandit_value" -> Bandit.of(examples, objective(at), false);
            default -> throw new IllegalArgumentException(at.manifest.path("loss").asText());
        };
    }

    private static BanditObjective objective(OracleCase at) {
        return new BanditObjective(at.hyper("tau"), at.hyper("clip"), at.hyper("baseline"));
    }

    record Sft(PackedBatch rows, double[] weights) implements OracleBatch {
        static Sft of(JsonNode examples) {
            PackedBatch.Builder batch = PackedBatch.builder();
            List<Double> weights = new ArrayList<>();
            for (JsonNode example : examples) {
                int[] ids = ints(example.path("ids"));
                int segment = batch.segment(ids);
                for (int t = 1; t < ids.length; t++) {
                    batch.target(batch.row(segment, t - 1), ids[t]);
                    weights.add(
                            example.path("weight").doubleValue()
                                    * example.path("loss_mask").get(t).doubleValue());
                }
            }
            return new Sft(
                    batch.build(), weights.stream().mapToDouble(Double::doubleValue).toArray());
        }

        @Override
        public Loss loss(double[] logProbs) {
            return SftObjective.loss(logProbs, weights);
        }
    }

    /**
     * @param terms of each decision, over its own targets, which follow those of the decision
     * before
     */
    record Bandit(
            PackedBatch rows,
            JsonNode examples,
            List<OptionTerms> terms,
            BanditObjective objective,
            boolean policyGradient)
            implements
                OracleBatch {
        static Bandit of(JsonNode examples, BanditObjective objective, boolean policyGradient) {
            PackedBatch.Builder batch = PackedBatch.builder();
            List<OptionTerms> terms = new ArrayList<>();
            for (JsonNode example : examples) {
                int prompt = batch.segment(ints(example.path("prompt")));
                List<Integer> optionOf = new ArrayList<>();
                for (int k = 0; k < example.path("candidates").size(); k++) {
                    int[] ids = ints(example.path("candidates").get(k));
                    for (int i = 0; i < ids.length; i++) {
                        optionOf.add(k);
                    }
                    continuation(batch, prompt, ids);
                }
                terms.add(likelihoods(example.path("candidates").size(), optionOf));
            }
            return new Bandit(batch.build(), examples, terms, objective, policyGradient);
        }

        @Override
        public Loss loss(double[] logProbs) {
            List<LoggedDecision> decisions = new ArrayList<>();
            int next = 0;
            for (int i = 0; i < terms.size(); i++) {
                int targets = terms.get(i).option().length;
                double[] own = Arrays.copyOfRange(logProbs, next, next + targets);
                decisions.add(decision(examples.get(i), terms.get(i).scores(own)));
                next += targets;
            }
            BanditObjective.BatchLoss loss =
                    policyGradient
                            ? objective.policyGradient(decisions)
                            : objective.value(decisions);
            double[] gradient = new double[logProbs.length];
            next = 0;
            for (int i = 0; i < terms.size(); i++) {
                double[] own = terms.get(i).toTargets(loss.gradients().get(i));
                System.arraycopy(own, 0, gradient, next, own.length);
                next += own.length;
            }
            return new Loss(loss.value(), gradient);
        }

        private static LoggedDecision decision(JsonNode example, double[] scores) {
            return new LoggedDecision(
                    scores,
                    example.path("action").intValue(),
                    example.path("propensity").doubleValue(),
                    example.path("reward").doubleValue(),
                    example.path("weight").doubleValue());
        }

        private static OptionTerms likelihoods(int options, List<Integer> optionOf) {
            double[] sign = new double[optionOf.size()];
            Arrays.fill(sign, 1);
            return new OptionTerms(
                    options, optionOf.stream().mapToInt(Integer::intValue).toArray(), sign);
        }

        private static void continuation(PackedBatch.Builder batch, int prompt, int[] ids) {
            batch.target(batch.lastRow(prompt), ids[0]);
            if (ids.length > 1) {
                int segment = batch.child(prompt, Arrays.copyOf(ids, ids.length - 1));
                for (int i = 1; i < ids.length; i++) {
                    batch.target(batch.row(segment, i - 1), ids[i]);
                }
            }
        }
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).intValue();
        }
        return values;
    }
}
