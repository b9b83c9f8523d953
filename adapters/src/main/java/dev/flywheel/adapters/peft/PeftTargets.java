package dev.flywheel.adapters.peft;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.lora.LoraConfig;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Works out which of the base model's modules a PEFT configuration means, the way PEFT does. */
final class PeftTargets {
    private static final String ALL_LINEAR = "all-linear";
    private static final String OUTPUT_LAYER = "lm_head";
    private static final String EMBEDDING_LAYER = "model.embed_tokens";

    private static final Set<String> EMBEDDINGS =
            Set.of("embed_tokens", "wte", "embeddings", OUTPUT_LAYER);

    private PeftTargets() {}

    /** Returns the configuration with every pattern replaced by the modules it means. */
    static LoraConfig resolve(PeftConfig peft, SortedSet<String> baseModules) {
        SortedSet<String> targeted = targeted(peft, baseModules);
        boolean plainList =
                peft.targetExpression() == null
                        && peft.layers().isEmpty()
                        && peft.exclusionExpression() == null
                        && peft.exclusionList().isEmpty();
        List<String> targets = plainList ? peft.targetList() : List.copyOf(targeted);
        SortedMap<String, Integer> ranks =
                byModule(
                        "rank_pattern",
                        peft.patternKeys("rank_pattern"),
                        peft.rankPattern(),
                        targeted);
        SortedMap<String, Double> alphas =
                byModule(
                        "alpha_pattern",
                        peft.patternKeys("alpha_pattern"),
                        peft.alphaPattern(),
                        targeted);
        return new LoraConfig(peft.rank(), peft.alpha(), peft.rsLora(), targets, ranks, alphas);
    }

    /** Returns the full names of the modules the adapter must bring weights for. */
    static SortedSet<String> targeted(PeftConfig peft, SortedSet<String> baseModules) {
        Predicate<String> excluded = exclusion(peft);
        String expression = peft.targetExpression();
        SortedSet<String> chosen =
                expression == null
                        ? byList(peft, baseModules)
                        : byExpression(expression, excluded, baseModules);
        chosen.removeIf(excluded);
        if (chosen.isEmpty()) {
            throw new AdapterException(
                    Code.MISMATCH,
                    "target_modules choose none of the base model's modules " + brief(baseModules));
        }
        return chosen;
    }

    private static Predicate<String> exclusion(PeftConfig peft) {
        List<String> names = peft.exclusionList();
        String expression = peft.exclusionExpression();
        if (expression == null) {
            return module -> names.stream().anyMatch(name -> isNamed(module, name));
        }
        BoundedPattern pattern = BoundedPattern.compile("exclude_modules", "(?:", expression, ")");
        return pattern::matches;
    }

    private static SortedSet<String> byExpression(
            String expression, Predicate<String> excluded, SortedSet<String> modules) {
        if (expression.equalsIgnoreCase(ALL_LINEAR)) {
            return new TreeSet<>(modules);
        }
        BoundedPattern pattern = BoundedPattern.compile("target_modules", "(?:", expression, ")");
        for (String table : List.of(OUTPUT_LAYER, EMBEDDING_LAYER)) {
            if (pattern.matches(table) && !excluded.test(table)) {
                refuseEmbeddings(table);
            }
        }
        SortedSet<String> chosen = new TreeSet<>();
        for (String module : modules) {
            if (pattern.matches(module)) {
                chosen.add(module);
            }
        }
        return chosen;
    }

    private static SortedSet<String> byList(PeftConfig peft, SortedSet<String> modules) {
        SortedSet<String> named = new TreeSet<>();
        for (String target : peft.targetList()) {
            List<String> chosen =
                    modules.stream().filter(module -> isNamed(module, target)).toList();
            if (chosen.isEmpty()) {
                refuseEmbeddings(target);
                throw new AdapterException(
                        Code.MISMATCH,
                        "target_modules names "
                                + (target.length() > 120 ? target.substring(0, 120) : target)
                                + ", which matches none of the base model's modules "
                                + brief(modules));
            }
            named.addAll(chosen);
        }
        return inLayers(peft, named);
    }

    private static boolean isNamed(String module, String name) {
        return module.equals(name) || module.endsWith("." + name);
    }

    /** A table of tokens exists in every base, but its low-rank form is another one (lora_embedding_A). */
    private static void refuseEmbeddings(String target) {
        String module = target.substring(target.lastIndexOf('.') + 1);
        if (EMBEDDINGS.contains(module)) {
            throw new AdapterException(
                    Code.UNSUPPORTED,
                    "target_modules names "
                            + module
                            + ", supported are the linear modules of the layers: an adapter on the"
                            + " embedding or the output head is not computed");
        }
    }

    /** A module that is named in full stays, whichever layer it is in. */
    private static SortedSet<String> inLayers(PeftConfig peft, SortedSet<String> named) {
        if (peft.layers().isEmpty()) {
            return named;
        }
        List<String> prefixes = peft.layersPatterns();
        List<BoundedPattern> patterns =
                (prefixes.isEmpty() ? List.of("[^.]*") : prefixes).stream()
                        .map(prefix -> BoundedPattern.compile(
                                "layers_pattern",
                                prefixes.isEmpty() ? ".*?\\." : "(?:^|.*?\\.)",
                                prefix,
                                "\\.(?<idx>\\d+)\\..*"))
                        .toList();
        SortedSet<String> chosen = new TreeSet<>();
        for (String module : named) {
            @Nullable Integer layer = layerOf(module, patterns);
            if (peft.targetList().contains(module)
                    || (layer != null && peft.layers().contains(layer))) {
                chosen.add(module);
            }
        }
        return chosen;
    }

    /** Returns the number behind the first pattern that matches, null if none does. */
    private static @Nullable Integer layerOf(String module, List<BoundedPattern> patterns) {
        for (BoundedPattern pattern : patterns) {
            @Nullable String index = pattern.group("idx", module);
            if (index != null) {
                return Integer.valueOf(index);
            }
        }
        return null;
    }

    private static <T> SortedMap<String, T> byModule(
            String field, List<String> keys, SortedMap<String, T> values, Set<String> modules) {
        SortedMap<String, T> out = new TreeMap<>();
        for (String key : keys) {
            BoundedPattern pattern = BoundedPattern.compile(field, "(.*\\.)?(", key, ")");
            for (String module : modules) {
                T value = values.get(key);
                if (value != null && !out.containsKey(module) && pattern.matches(module)) {
                    out.put(module, value);
                }
            }
        }
        return out;
    }

    private static String brief(SortedSet<String> modules) {
        return modules.size() <= 7 ? modules.toString() : "such as " + modules.first();
    }
}
