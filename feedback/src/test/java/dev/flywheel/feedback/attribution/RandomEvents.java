package dev.flywheel.feedback.attribution;

import static dev.flywheel.feedback.attribution.Samples.taken;

import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.api.v1.TakenFeedback;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/** Impressions of every kind under settings of every kind, and what may be said of them. */
final class RandomEvents {
    private RandomEvents() {}

    static Impression impression(Random random) {
        Impression impression = switch (random.nextInt(5)) {
            case 0 -> Samples.answer();
            case 1 -> Samples.scored();
            default -> Samples.slate(4, 1);
        };
        return impression.toBuilder().setLearning(learning(random)).build();
    }

    private static LearningSettings learning(Random random) {
        LearningSettings.Builder learning = LearningSettings.newBuilder();
        if (random.nextInt(3) == 0) {
            learning.setNegativeSamplingRate(random.nextDouble());
        }
        if (random.nextInt(3) == 0) {
            learning.setExaminedPlaces(random.nextInt(5));
        }
        for (String signal : SignalLosses.signals()) {
            SignalSettings.Builder own = SignalSettings.newBuilder();
            List<Loss> losses = SignalLosses.of(signal);
            if (random.nextBoolean()) {
                own.setLoss(losses.get(random.nextInt(losses.size())));
            }
            if (random.nextInt(4) == 0) {
                own.setAttributionMillis(10_000 + random.nextInt(60_000));
            }
            boolean watched = signal.equals("click") || signal.equals("reward");
            if (watched && random.nextBoolean()) {
                own.setObservationMillis(random.nextInt(30_000))
                        .setRenderedMillis(random.nextInt(10_000));
            }
            learning.setField(LearningSettings.getDescriptor().findFieldByName(signal),
                    own.build());
        }
        return learning.build();
    }

    /** Distinct events in the order they were received: early, late, too late, contradicting, repeating, withdrawn. */
    static List<TakenFeedback> of(Impression impression, Random random, int count) {
        List<TakenFeedback> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int after = random.nextInt(random.nextBoolean() ? 10_000 : 70_000);
            if (i > 0 && random.nextInt(5) == 0) {
                TakenFeedback target = events.get(random.nextInt(i));
                long said = target.getEvent().getReceivedAtMillis() - Samples.SERVED_AT;
                // Not so much earlier than what it withdraws that nobody waits for that any more.
                events.add(taken("f" + i, Math.max(after, said - 20_000),
                        Samples.retract(target.getEvent().getFeedbackId())));
            } else {
                events.add(taken("f" + i, after, signal(impression, random)));
            }
        }
        events.sort(Comparator.comparingLong(each -> each.getEvent().getReceivedAtMillis()));
        return events;
    }

    private static Signal.Builder signal(Impression impression, Random random) {
        return switch (impression.getKind()) {
            case DECISION_KIND_RANK -> ofSlate(random);
            case DECISION_KIND_SCORE -> Samples.reward("" + random.nextInt(3),
                    random.nextInt(3) - 1);
            default -> switch (random.nextInt(4)) {
                case 0 -> Samples.correction("text " + random.nextInt(2));
                case 1 -> Samples.preferredTo("imp-" + random.nextInt(2));
                case 2 -> Samples.click("c0");
                default -> Samples.thumb(random.nextBoolean());
            };
        };
    }

    private static Signal.Builder ofSlate(Random random) {
        String item = "c" + random.nextInt(6); // one is hidden, one does not exist
        return switch (random.nextInt(7)) {
            case 0, 1 -> Samples.click(item);
            case 2 -> Samples.dismiss(random.nextInt(4) == 0 ? "" : item);
            case 3 -> Samples.rating(item, random.nextDouble());
            case 4 -> Samples.reward(item, random.nextInt(3) - 1);
            case 5 -> Samples.rendered(random.nextInt(4));
            default -> Samples.thumb(true);
        };
    }
}
