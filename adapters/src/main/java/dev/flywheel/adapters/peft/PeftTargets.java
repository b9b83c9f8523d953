package dev.flywheel.adapters.peft;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.lora.LoraConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Works out which of the base model's modules a PEFT configuration means, the way PEFT does. */
final class PeftTargets {
    private static final String ALL_LINEAR = "all-linear";
    private static final String OUTPUT_LAYER = "lm_head";

    private static final Set<String> EMBEDDINGS =
            Set.of("embed_tokens", "wte", "embeddings", OUTPUT_LAYER);

    private PeftTargets() {}

    /** Returns the configuration with every pattern replaced by the modules it means. */
    static LoraConfig resolve(PeftConfig peft, SortedSet<String> baseModules) {
        SortedSet<String> targeted = targeted(peft, baseModules);
        boolean plainList = peft.targetExpression() == null && peft.layers().isEmpty();
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
        String expression = peft.targetExpression();
        SortedSet<String> chosen =
                expression == null
                        ? byList(peft, baseModules)
                        : byExpression(expression, baseModules);
        if (chosen.isEmpty()) {
            throw new AdapterException(
                    Code.MISMATCH,
                    "target_modules choose none of the base model's modules " + brief(baseModules));
        }
        return chosen;
    }

    private static SortedSet<String> byExpression(String expression, SortedSet<String> modules) {
        SortedSet<String> chosen = new TreeSet<>();
        if (expression.equals(ALL_LINEAR)) {
            chosen.addAll(modules);
            chosen.remove(OUTPUT_LAYER);
            return chosen;
        }
        BoundedPattern pattern = BoundedPattern.compile("target_modules", "(?:", expression, ")");
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
            int before = named.size();
            for (String module : modules) {
                if (module.equals(target) || module.endsWith("." + target)) {
                    named.add(module);
                }
            }
            if (named.size() == before) {
                refuseEmbeddings(target);
                throw new AdapterException(
                        Code.MISMATCH,
                        "target_modules names "
                                + (target.length() > 120 ? target.substring(0, 120) : target)
                                + ", which matches none of the base model's modules "
                                + brief(modules));
            }
        }
        return inLayers(peft, named);
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

    private static SortedSet<String> inLayers(PeftConfig peft, SortedSet<String> named) {
        if (peft.layers().isEmpty()) {
            return named;
        }
        List<BoundedPattern> patterns = new ArrayList<>();
        List<String> prefixes = peft.layersPatterns();
        for (int layer : peft.layers()) {
            String number = "\\." + layer + "\\..*";
            if (prefixes.isEmpty()) {
                patterns.add(
                        BoundedPattern.compile("layers_to_transform", ".*\\.[^.]*", number, ""));
            }
            for (String prefix : prefixes) {
                patterns.add(
                        BoundedPattern.compile("layers_pattern", ".*\\.", prefix, number));
            }
        }
        SortedSet<String> chosen = new TreeSet<>();
        for (String module : named) {
            if (patterns.stream().anyMatch(pattern -> pattern.matches(module))) {
                chosen.add(module);
            }
        }
        return chosen;
    }

    private static <T> SortedMap<String, T> byModule(
            String field, List<String> keys, SortedMap<String, T> values, Set<String> modules) {
        SortedMap<String, T> out = new TreeMap<>();
        for (String key : keys) {
            BoundedPattern pattern = BoundedPattern.compile(field, "(?:.*\\.)?(?:", key, ")");
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
