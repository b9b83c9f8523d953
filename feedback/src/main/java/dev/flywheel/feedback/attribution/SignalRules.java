package dev.flywheel.feedback.attribution;

import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.Signal;
import java.io.Serializable;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The rule of every signal that can be learned from: the job's settings and, laid over them, an adapter's own.
 *
 * <p>Signals are named as in {@link SignalLosses}, which says what losses fit them.
 */
public final class SignalRules implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final Map<Signal.KindCase, String> NAMES = names();

    private final EnumMap<Signal.KindCase, SignalRule> rules;

    private SignalRules(EnumMap<Signal.KindCase, SignalRule> rules) {
        this.rules = rules;
    }

    private static Map<Signal.KindCase, String> names() {
        Map<Signal.KindCase, String> names = new EnumMap<>(Signal.KindCase.class);
        for (Signal.KindCase kind : Signal.KindCase.values()) {
            names.put(kind, kind.name().toLowerCase(Locale.ROOT));
        }
        return names;
    }

    /**
     * Returns the rules of so many signals.
     *
     * @param byName one for each of {@link SignalLosses#signals}
     */
    public static SignalRules of(Map<String, SignalRule> byName) {
        EnumMap<Signal.KindCase, SignalRule> rules = new EnumMap<>(Signal.KindCase.class);
        for (String name : SignalLosses.signals()) {
            SignalRule rule = byName.get(name);
            if (rule == null) {
                throw new IllegalArgumentException("signal " + name + " has no rule, give one");
            }
            check(name, rule);
            rules.put(kindOf(name), rule);
        }
        return new SignalRules(rules);
    }

    private static void check(String name, SignalRule rule) {
        if (!SignalLosses.of(name).contains(rule.loss())) {
            throw new IllegalArgumentException("loss of %s is %s, allowed are %s".formatted(name,
                    rule.loss(), SignalLosses.of(name)));
        }
        if (rule.observationMillis() > 0 && !SignalLosses.silenceSpeaks(name)) {
            throw new IllegalArgumentException(
                    "observation window of %s is %d ms, it must be 0: its silence says nothing"
                            .formatted(name, rule.observationMillis()));
        }
    }

    /** Returns rules that all have one attribution window, and clicks an observation window, by default losses. */
    public static SignalRules uniform(Duration observation, Duration attribution) {
        Map<String, SignalRule> rules = new HashMap<>();
        for (String name : SignalLosses.signals()) {
            Loss loss = SignalLosses.defaultOf(name);
            rules.put(name, SignalRule.spoken(loss, attribution.toMillis()));
        }
        rules.computeIfPresent("click", (name, rule) -> rule.observed(observation.toMillis(), 0));
        return of(rules);
    }

    /** Returns these rules with one of them changed. */
    public SignalRules with(String signal, UnaryOperator<SignalRule> change) {
        SignalRule changed = change.apply(of(kindOf(signal)));
        check(signal, changed);
        EnumMap<Signal.KindCase, SignalRule> copy = rules.clone();
        copy.put(kindOf(signal), changed);
        return new SignalRules(copy);
    }

    /**
     * Returns the rules that hold for answers of an adapter.
     *
     * @param own its settings, which go before these, field by field
     * @param longest what its attribution windows are cut to
     */
    public SignalRules under(LearningSettings own, Duration longest) {
        if (own.getSerializedSize() == 0) {
            return this;
        }
        EnumMap<Signal.KindCase, SignalRule> copy = rules.clone();
        copy.replaceAll((kind, rule) -> rule.under(SignalLosses.settings(own, nameOf(kind)),
                longest.toMillis()));
        return new SignalRules(copy);
    }

    /** Returns a signal's rule; only those of {@link SignalLosses#signals} have one. */
    public SignalRule of(Signal.KindCase signal) {
        SignalRule rule = rules.get(signal);
        if (rule == null) {
            throw new IllegalArgumentException("a " + nameOf(signal) + " is not learned from");
        }
        return rule;
    }

    /** Whether there is a rule for such a signal. */
    public boolean has(Signal.KindCase signal) {
        return rules.containsKey(signal);
    }

    /** Returns how long after an answer a signal is taken; what is no label, as long as anything is. */
    long windowMillis(Signal.KindCase signal) {
        return has(signal) ? of(signal).attributionMillis() : longestAttribution().toMillis();
    }

    /** Returns the longest attribution window. */
    public Duration longestAttribution() {
        return Duration.ofMillis(rules.values()
                .stream()
                .mapToLong(SignalRule::attributionMillis)
                .max()
                .orElseThrow());
    }

    /** Returns the name of a signal, as its field in {@link Signal}. */
    public static String nameOf(Signal.KindCase signal) {
        return NAMES.getOrDefault(signal, "");
    }

    /** Returns the kind of a signal of that name. */
    static Signal.KindCase kindOf(String name) {
        return Signal.KindCase.valueOf(name.toUpperCase(Locale.ROOT));
    }
}
