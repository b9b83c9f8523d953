package dev.flywheel.trainer.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.trainer.objective.Loss;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Our objectives over the engine's training pass agree with transformers and peft. */
class ObjectiveOracleTest {
    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (String backend : List.of("reference", "cpu")) {
            for (String name : List.of("training/sft-qv", "training/bandit-pg",
                    "training/bandit-value")) {
                cases.add(Arguments.of(backend, name));
            }
        }
        return cases.stream();
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void lossesAndGradientsAgree(String backend, String name) throws Exception {
        try (OracleCase at = new OracleCase(backend, name)) {
            for (String start : List.of("init", "warm")) {
                try (TrainableAdapter adapter =
                        TrainableAdapter.of(at.base, at.adapter(start), null)) {
                    JsonNode losses = at.golden.path(start).path("loss_per_batch");
                    for (int batch = at.batches.size() - 1; batch >= 0; batch--) {
                        adapter.zeroGradients();
                        assertThat(gradient(at, batch, adapter))
                                .as("%s loss of batch %d", start, batch)
                                .isCloseTo(
                                        losses.get(batch).doubleValue(),
                                        within(at.tolerance(start + "_loss_abs")));
                    }
                    assertThat(worst(at.tensors("golden.safetensors"), start, adapter.gradients()))
                            .as("%s gradient", start)
                            .isLessThanOrEqualTo(at.tolerance(start + "_grad_rel_max"));
                }
            }
        }
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void trajectoriesAgree(String backend, String name) throws Exception {
        try (OracleCase at = new OracleCase(backend, name);
                TrainableAdapter adapter =
                        TrainableAdapter.of(at.base, at.adapter("init"), null)) {
            JsonNode losses = at.golden.path("trajectory").path("loss_before_step");
            JsonNode batches = at.golden.path("trajectory").path("batch_of_step");
            for (int step = 0; step < losses.size(); step++) {
                assertThat(gradient(at, batches.get(step).intValue(), adapter))
                        .as("loss before step %d", step + 1)
                        .isCloseTo(
                                losses.get(step).doubleValue(),
                                within(at.tolerance("trajectory_loss_abs")));
                adapter.step(at.adamW(), 1);
            }
        }
    }

    private static double gradient(OracleCase at, int index, TrainableAdapter adapter) {
        OracleBatch batch = OracleBatch.of(at, index);
        Loss loss = batch.loss(at.pass.forward(batch.rows(), adapter));
        at.pass.backward(loss.gradient(), 0);
        return loss.value();
    }

    private static double worst(
            SafetensorsFile golden, String start, SortedMap<String, float[]> gradients) {
        double worst = 0;
        for (Map.Entry<String, float[]> tensor : gradients.entrySet()) {
            float[] expected = golden.floats(start + ".grad." + tensor.getKey());
            double largest = 0;
            double difference = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs(expected[i]));
                difference = Math.max(difference, Math.abs(tensor.getValue()[i] - expected[i]));
            }
            worst = Math.max(worst, largest == 0 ? difference : difference / largest);
        }
        return worst;
    }
}
