package dev.flywheel.store.core;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What of a manifest's feedback a committed round did not train: that behind the examples it could not train on.
 *
 * <p>An event ends once (P3): one that stands behind a trained example too is trained.
 */
final class Quarantine {
    private final Set<String> untrainable = new LinkedHashSet<>();
    private final List<Example> examples;

    private Quarantine(PutOutcomeRequest request, List<Example> examples) {
        for (UntrainableExample example : request.getUntrainableList()) {
            untrainable.add(example.getExampleId());
        }
        this.examples = examples;
    }

    /** Reads the manifest only if there is something to look up in it, which is rare. */
    static Quarantine of(PutOutcomeRequest request, CommitView view) {
        return new Quarantine(request, request.getUntrainableCount() == 0 ? List.of()
                : view.examples(request.getAdapter(), request.getSeq()));
    }

    /** Refuses the ids of examples that the manifest does not hold. */
    @Nullable
    Refusal refusal(PutOutcomeRequest request) {
        Set<String> strange = new LinkedHashSet<>(untrainable);
        examples.forEach(example -> strange.remove(example.getExampleId()));
        if (strange.isEmpty()) {
            return null;
        }
        String manifest = "manifest " + request.getSeq() + " of " + request.getAdapter();
        return Refusal.of(Reason.EXAMPLE_NOT_CLAIMED, manifest,
                "untrainable names example " + strange.iterator().next() + ", which " + manifest
                        + " does not hold; name examples of the manifest only");
    }

    List<FeedbackKey> feedback() {
        Set<FeedbackKey> trained = new HashSet<>();
        Set<FeedbackKey> quarantined = new LinkedHashSet<>();
        for (Example example : examples) {
            (untrainable.contains(example.getExampleId()) ? quarantined : trained)
                    .addAll(example.getFeedbackList());
        }
        quarantined.removeAll(trained);
        return new ArrayList<>(quarantined);
    }
}
