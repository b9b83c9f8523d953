package dev.flywheel.store.core;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import java.util.ArrayList;
import java.util.List;

/** Something that may never be trained on again: an example, a feedback event, or everything of a user. */
public sealed interface Tombstone {

    record OfExample(String exampleId) implements Tombstone {}

    record OfFeedback(String source, String feedbackId) implements Tombstone {}

    record OfUser(String tenant, String user) implements Tombstone {}

    /** Every tombstone that would withdraw this example. */
    static List<Tombstone> withdrawing(Example example) {
        List<Tombstone> all = new ArrayList<>();
        all.add(new OfExample(example.getExampleId()));
        all.add(new OfUser(example.getTenant(), example.getUser()));
        for (FeedbackKey key : example.getFeedbackList()) {
            all.add(new OfFeedback(key.getSource(), key.getFeedbackId()));
        }
        return all;
    }
}
