package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What it says that nobody did something to a slate within an observation window: weak evidence against what was seen of it.
 *
 * <p>LISTWISE and BANDIT: only where nothing was said of any item, since what was said speaks of the others too. BANDIT: the top
 * place brought nothing. BINARY: each item that was seen and of which nothing was said. Clicks are broken by anything that was
 * said, rewards by rewards. A function of what was received before the window ended and not withdrawn before it ended.
 */
final class Silence {
    private final Impression impression;
    private final Terms terms;
    private final Signal.KindCase signal;
    private final long end;
    private final Set<String> spoken;
    private final ExampleKind kind;
    private final int places;

    Silence(Case file, Impression impression, Terms terms, Signal.KindCase signal) {
        this.impression = impression;
        this.terms = terms;
        this.signal = signal;
        end = file.observationEnd(terms, signal);
        spoken = file.spoken(impression, signal, end);
        kind = terms.kindOf(signal);
        places = file.placesSeen(terms, end);
    }

    /** When it was to be counted. */
    long end() {
        return end;
    }

    /** Returns the provisional negative, empty if silence was broken or sampling kept nothing of it. */
    Optional<Example> example() {
        List<ShownCandidate> silent = silent();
        double rate = terms.negativeSamplingRate();
        List<ShownCandidate> kept = kept(silent, rate);
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        double share = kind == ExampleKind.EXAMPLE_KIND_LISTWISE
                ? (double) kept.size() / silent.size()
                : 1;
        return Optional.of(ExampleMaker.silent(impression, signal, kind,
                terms.rules().of(signal), kept, share, rate, end));
    }

    /** Whether silence labels an item; of the whole slate, any. */
    boolean isAbout(ExampleKind ofKind, String item) {
        return ofKind == kind && silent().stream()
                .anyMatch(each -> item.isEmpty() || each.getId().equals(item));
    }

    private List<ShownCandidate> silent() {
        if (kind != ExampleKind.EXAMPLE_KIND_BINARY && !spoken.isEmpty() || spoken.contains("")) {
            return List.of();
        }
        if (kind == ExampleKind.EXAMPLE_KIND_BANDIT) {
            return List.of(ExampleMaker.top(impression));
        }
        List<ShownCandidate> silent = new ArrayList<>();
        for (ShownCandidate candidate : ExampleMaker.judged(impression)) {
            boolean seen = places == 0
                    || Integer.compareUnsigned(candidate.getPlace(), places) < 0;
            if (seen && !spoken.contains(candidate.getId())) {
                silent.add(candidate);
            }
        }
        return silent;
    }

    private List<ShownCandidate> kept(List<ShownCandidate> silent, double rate) {
        String impressionId = impression.getImpressionId();
        if (kind == ExampleKind.EXAMPLE_KIND_BANDIT) { // a choice of the policy, whole or not at all
            return Hashes.kept(impressionId, "", rate) ? silent : List.of();
        }
        return silent.stream()
                .filter(each -> Hashes.kept(impressionId, each.getId(), rate))
                .toList();
    }
}
