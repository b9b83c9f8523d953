package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.trainer.objective.ImportanceWeights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Importance weights of every choice in a round's slates, normalised over the round. */
final class ChoiceWeights {
    private final Map<String, double[]> byExample;

    private ChoiceWeights(Map<String, double[]> byExample) {
        this.byExample = byExample;
    }

    static ChoiceWeights of(List<Example> round, double clip) {
        List<Example> examples =
                round.stream()
                        .filter(each -> each.getKind() == ExampleKind.EXAMPLE_KIND_LISTWISE)
                        .toList();
        List<Double> propensities = new ArrayList<>();
        for (Example example : examples) {
            for (LabelledOption option : example.getOptionsList()) {
                if (option.getLabel() > 0) {
                    propensities.add(option.getPropensity());
                }
            }
        }
        double[] weights =
                ImportanceWeights.of(
                        propensities.stream().mapToDouble(Double::doubleValue).toArray(),
                        Math.max(1, clip));
        return new ChoiceWeights(spread(examples, weights));
    }

    /** Returns one weight per option; 1 where it was not chosen. */
    double[] of(Example example) {
        return byExample.getOrDefault(example.getExampleId(), new double[0]);
    }

    private static Map<String, double[]> spread(List<Example> examples, double[] weights) {
        Map<String, double[]> byExample = new HashMap<>();
        int next = 0;
        for (Example example : examples) {
            double[] ofOptions = new double[example.getOptionsCount()];
            for (int k = 0; k < ofOptions.length; k++) {
                ofOptions[k] = example.getOptions(k).getLabel() > 0 ? weights[next++] : 1;
            }
            byExample.put(example.getExampleId(), ofOptions);
        }
        return byExample;
    }
}
