package dev.flywheel.adapters.lora;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What shapes an adapter: rank, scale, and where it applies.
 *
 * @param rank inner size of B·A, for every module that {@code ranks} does not name
 * @param alpha numerator of the scale, for every module that {@code alphas} does not name
 * @param rsLora whether the scale is alpha / sqrt(rank) instead of alpha / rank
 * @param targetModules names a module must equal or end with after a dot, such as {@code q_proj};
 *     sorted
 * @param ranks exceptions by full module name
 * @param alphas exceptions by full module name
 */
public record LoraConfig(
        int rank,
        double alpha,
        boolean rsLora,
        List<String> targetModules,
        SortedMap<String, Integer> ranks,
        SortedMap<String, Double> alphas) {
    public LoraConfig {
        requireRank("rank", rank);
        requireAlpha("alpha", alpha);
        if (targetModules.isEmpty()) {
            throw new IllegalArgumentException(
                    "target_modules is empty; name at least one, such as q_proj");
        }
        ranks.forEach((module, r) -> requireRank("rank of " + module, r));
        alphas.forEach((module, a) -> requireAlpha("alpha of " + module, a));
        targetModules = targetModules.stream().sorted().distinct().toList();
        ranks = Collections.unmodifiableSortedMap(new TreeMap<>(ranks));
        alphas = Collections.unmodifiableSortedMap(new TreeMap<>(alphas));
    }

    /** Returns a configuration with the same rank and alpha everywhere. */
    public static LoraConfig of(int rank, double alpha, List<String> targetModules) {
        return new LoraConfig(rank, alpha, false, targetModules, new TreeMap<>(), new TreeMap<>());
    }

    /** Returns the scale of a module without exceptions. */
    public double scale() {
        return scale(rank, alpha);
    }

    /** Returns the rank of one module. */
    public int rankOf(String module) {
        return ranks.getOrDefault(module, rank);
    }

    /** Returns the alpha of one module. */
    public double alphaOf(String module) {
        return alphas.getOrDefault(module, alpha);
    }

    /** Returns what B·A of one module is multiplied with. */
    public double scaleOf(String module) {
        return scale(rankOf(module), alphaOf(module));
    }

    /** Returns the largest rank of any module. */
    public int rankMax() {
        return ranks.values().stream().mapToInt(Integer::intValue).reduce(rank, Math::max);
    }

    /** Returns whether the adapter applies to a module. */
    public boolean targets(String module) {
        return targetModules.stream().anyMatch(target -> names(target, module));
    }

    static boolean names(String target, String module) {
        return module.equals(target) || module.endsWith("." + target);
    }

    private double scale(int r, double a) {
        return rsLora ? a / Math.sqrt(r) : a / r;
    }

    private static void requireRank(String field, int rank) {
        if (rank < 1) {
            throw new IllegalArgumentException(field + " must be at least 1, was " + rank);
        }
    }

    private static void requireAlpha(String field, double alpha) {
        if (!Double.isFinite(alpha) || alpha <= 0) {
            throw new IllegalArgumentException(field + " must be above 0, was " + alpha);
        }
    }
}
