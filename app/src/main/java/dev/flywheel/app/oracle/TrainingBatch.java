package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BanditObjective;
import dev.flywheel.trainer.objective.BinaryObjective;
import dev.flywheel.trainer.objective.KtoObjective;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.PreferenceObjective;
import java.util.Set;
import java.util.function.Function;

/** A batch of a training case, as rows for the engine, with the loss that the case asks for. */
interface TrainingBatch {
    PackedBatch rows();

    /** Returns whether the loss looks at the base's log-probabilities too. */
    boolean needsReference();

    /**
     * Returns the loss with its slope by each target's log-probability.
     *
     * @param logProbs [targets] with the adapter
     * @param reference [targets] with the adapter off; empty unless {@link #needsReference}
     */
    Loss loss(double[] logProbs, double[] reference);

    /** Describes the same examples one by one, as goldens do. */
    void describe(double[] logProbs, double[] reference, ObjectNode into);

    /** Returns how this case's batches become rows and a loss. */
    static Function<JsonNode, TrainingBatch> of(OracleCase at, Findings findings) {
        JsonNode hyper = at.manifest().path("hyper");
        KnownKeys.settings("hyper", hyper, hyperOf(at.text("loss")), findings);
        return switch (at.text("loss")) {
            case "sft" -> SftBatch::of;
            case "dpo" -> {
                var objective = new PreferenceObjective(number(hyper, "beta"));
                yield batch -> PreferenceBatch.of(batch, objective);
            }
            case "kto" -> {
                var objective = new KtoObjective(
                        number(hyper, "beta"), number(hyper, "lambda_d"),
                        number(hyper, "lambda_u"));
                yield batch -> KtoBatch.of(batch, objective);
            }
            case "binary" -> {
                var objective = new BinaryObjective(number(hyper, "beta"), number(hyper, "delta"));
                yield batch -> BinaryBatch.of(batch, objective);
            }
            case "bandit_value", "bandit_pg" -> {
                boolean policyGradient = at.text("loss").equals("bandit_pg");
                var objective = new BanditObjective(
                        number(hyper, "tau"), number(hyper, "clip"), number(hyper, "baseline"));
                yield batch -> BanditBatch.of(batch, objective, policyGradient);
            }
            default -> throw new BadCaseException(
                    "loss is \"%s\"; known are sft, dpo, kto, binary, bandit_value, bandit_pg"
                            .formatted(at.text("loss")));
        };
    }

    /** Returns the settings that a loss follows. */
    private static Set<String> hyperOf(String loss) {
        return switch (loss) {
            case "dpo" -> Set.of("beta");
            case "kto" -> Set.of("beta", "lambda_d", "lambda_u");
            case "binary" -> Set.of("beta", "delta");
            case "bandit_value", "bandit_pg" -> Set.of("tau", "clip", "baseline");
            default -> Set.of();
        };
    }

    private static double number(JsonNode hyper, String key) {
        return OracleCase.number(hyper, "hyper", key);
    }

    /** Returns an example's weight in the average. */
    static double weight(JsonNode example) {
        return OracleCase.number(example, "example", "weight");
    }
}
