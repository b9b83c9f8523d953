package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How far two adapters change a base model differently.
 *
 * @param same whether all weights are equal, bit for bit
 * @param difference norm of the difference of the changes
 * @param relative that over the norm of the first's change; null if the first changes nothing and the second does
 */
public record AdapterDifference(
        boolean same,
        String firstDigest,
        String secondDigest,
        double difference,
        @Nullable Double relative,
        List<Module> modules) {

    /**
     * One module's change, {@code scale · B · A}.
     *
     * @param difference Euclidean norm of the second's change minus the first's
     * @param largest largest element of that, without its sign
     */
    public record Module(
            String name,
            double firstNorm,
            double secondNorm,
            double difference,
            double largest) {}

    /** Compares two PEFT folders. */
    public static AdapterDifference of(Path first, Path second) {
        LoraWeights a = AdapterFacts.weights(first);
        LoraWeights b = AdapterFacts.weights(second);
        SortedSet<String> names = new TreeSet<>(a.pairs().keySet());
        names.addAll(b.pairs().keySet());
        List<Module> modules = new ArrayList<>();
        double differences = 0;
        double norms = 0;
        for (String name : names) {
            Module module = module(name, a, b);
            modules.add(module);
            differences += module.difference() * module.difference();
            norms += module.firstNorm() * module.firstNorm();
        }
        String firstDigest = a.digest().hex();
        String secondDigest = b.digest().hex();
        Double relative = differences == 0 ? Double.valueOf(0)
                : norms == 0 ? null
                : Double.valueOf(Math.sqrt(differences / norms));
        return new AdapterDifference(
                firstDigest.equals(secondDigest) && differences == 0, firstDigest, secondDigest,
                Math.sqrt(differences), relative, modules);
    }

    private static Module module(String name, LoraWeights a, LoraWeights b) {
        LoraPair first = a.pairs().get(name);
        LoraPair second = b.pairs().get(name);
        LoraPair any = first == null ? second : first;
        if (first != null && second != null
                && (first.inFeatures() != second.inFeatures()
                        || first.outFeatures() != second.outFeatures())) {
            throw new ToolException(
                    "%s is [%d, %d] in one and [%d, %d] in the other: the adapters are of different bases"
                            .formatted(name, first.outFeatures(), first.inFeatures(),
                                    second.outFeatures(), second.inFeatures()));
        }
        if (any == null) {
            throw new IllegalStateException(name);
        }
        double[] sums = new double[3];
        double largest = 0;
        double[] x = new double[any.inFeatures()];
        double[] y = new double[any.inFeatures()];
        for (int row = 0; row < any.outFeatures(); row++) {
            LoraChange.row(first, scale(a, name, first), row, x);
            LoraChange.row(second, scale(b, name, second), row, y);
            for (int i = 0; i < x.length; i++) {
                sums[0] += x[i] * x[i];
                sums[1] += y[i] * y[i];
                sums[2] += (y[i] - x[i]) * (y[i] - x[i]);
                largest = Math.max(largest, Math.abs(y[i] - x[i]));
            }
        }
        return new Module(name, Math.sqrt(sums[0]), Math.sqrt(sums[1]), Math.sqrt(sums[2]),
                largest);
    }

    private static double scale(LoraWeights weights, String name, @Nullable LoraPair pair) {
        return pair == null ? 0 : weights.config().scaleOf(name);
    }
}
