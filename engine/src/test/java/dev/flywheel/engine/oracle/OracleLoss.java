package dev.flywheel.engine.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.training.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The losses of the training cases as their manifests write them, over log-probabilities. */
sealed interface OracleLoss {
    /** Lays a batch of the case out. */
    PackedBatch pack(JsonNode examples);

    /** Returns the loss, and writes dL/dlogp of each target. */
    double loss(JsonNode examples, double[] logProbs, double[] coefficients);

    static OracleLoss of(JsonNode manifest) {
        JsonNode hyper = manifest.path("hyper");
        return switch (manifest.path("loss").asText()) {
            case "sft" -> new Sft();
            case "bandit_pg" -> new BanditPolicyGradient(
                    hyper.path("tau").doubleValue(),
                    hyper.path("clip").doubleValue(),
                    hyper.path("baseline").doubleValue());
            default -> throw new IllegalArgumentException(manifest.path("loss").asText());
        };
    }

    /** L = - sum_i w_i sum_t m_it log p(ids_it) / (sum_i w_i sum_t m_it). */
    record Sft() implements OracleLoss {
        @Override
        public PackedBatch pack(JsonNode examples) {
            PackedBatch.Builder batch = PackedBatch.builder();
            for (JsonNode example : examples) {
                int[] ids = Oracle.ints(example.path("ids"));
                int segment = batch.segment(ids);
                for (int t = 1; t < ids.length; t++) {
                    if (example.path("loss_mask").get(t).intValue() == 1) {
                        batch.target(batch.row(segment, t - 1), ids[t]);
                    }
                }
            }
            return batch.build();
        }

        @Override
        public double loss(JsonNode examples, double[] logProbs, double[] coefficients) {
            double total = 0;
            int target = 0;
            for (JsonNode example : examples) {
                double weight = example.path("weight").doubleValue();
                for (JsonNode mask : example.path("loss_mask")) {
                    if (mask.intValue() == 1) {
                        total += weight;
                        coefficients[target++] = -weight;
                    }
                }
            }
            double loss = 0;
            for (int i = 0; i < target; i++) {
                coefficients[i] /= total;
                loss += coefficients[i] * logProbs[i];
            }
            return loss;
        }
    }

    /** L = - sum_i w_i c_i (r_i - baseline) log pi(a_i) / sum_i w_i, c_i = min(rho_i, clip) constant. */
    record BanditPolicyGradient(double tau, double clip, double baseline) implements OracleLoss {
        @Override
        public PackedBatch pack(JsonNode examples) {
            PackedBatch.Builder batch = PackedBatch.builder();
            for (JsonNode example : examples) {
                int prompt = batch.segment(Oracle.ints(example.path("prompt")));
                for (JsonNode candidate : example.path("candidates")) {
                    int[] ids = Oracle.ints(candidate);
                    batch.target(batch.lastRow(prompt), ids[0]);
                    if (ids.length > 1) {
                        // The last token is predicted, never read.
                        int segment = batch.child(prompt, Arrays.copyOf(ids, ids.length - 1));
                        for (int t = 1; t < ids.length; t++) {
                            batch.target(batch.row(segment, t - 1), ids[t]);
                        }
                    }
                }
            }
            return batch.build();
        }

        @Override
        public double loss(JsonNode examples, double[] logProbs, double[] coefficients) {
            double totalWeight = 0;
            for (JsonNode example : examples) {
                totalWeight += example.path("weight").doubleValue();
            }
            double loss = 0;
            int next = 0;
            for (JsonNode example : examples) {
                List<int[]> ranges = new ArrayList<>();
                for (JsonNode candidate : example.path("candidates")) {
                    ranges.add(new int[] {next, next + candidate.size()});
                    next += candidate.size();
                }
                loss += one(example, ranges, logProbs, coefficients, totalWeight);
            }
            return loss;
        }

        private double one(
                JsonNode example, List<int[]> ranges, double[] logProbs, double[] coefficients,
                double totalWeight) {
            double[] scores = new double[ranges.size()];
            for (int k = 0; k < scores.length; k++) {
                for (int i = ranges.get(k)[0]; i < ranges.get(k)[1]; i++) {
                    scores[k] += logProbs[i] / tau;
                }
            }
            double max = Arrays.stream(scores).max().orElseThrow();
            double logSum = max + Math.log(
                    Arrays.stream(scores).map(score -> Math.exp(score - max)).sum());
            int action = example.path("action").intValue();
            double logPi = scores[action] - logSum;
            double rho = Math.exp(logPi) / example.path("propensity").doubleValue();
            double factor = -example.path("weight").doubleValue() * Math.min(rho, clip)
                    * (example.path("reward").doubleValue() - baseline) / totalWeight;
            for (int k = 0; k < scores.length; k++) {
                double dScore = (k == action ? 1 : 0) - Math.exp(scores[k] - logSum);
                for (int i = ranges.get(k)[0]; i < ranges.get(k)[1]; i++) {
                    coefficients[i] = factor * dScore / tau;
                }
            }
            return factor * logPi;
        }
    }
}
