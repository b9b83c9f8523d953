package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Dismiss;
import dev.flywheel.api.v1.Rating;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.Signal;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** What a reader does with a slate. Pure. */
enum Reaction {
    /** Clicks, as {@link ClickModel#USUAL}; a slate is worth the chance that it is clicked. */
    CLICK {
        @Override
        double worth(List<Boolean> likes) {
            return ClickModel.USUAL.rate(likes);
        }

        @Override
        Optional<Signal> signal(List<String> ids, List<Boolean> likes, SplittableRandom random) {
            int place = ClickModel.USUAL.click(likes, random);
            return place < 0 ? Optional.empty()
                    : Optional.of(Signal.newBuilder()
                            .setClick(Click.newBuilder().setCandidateId(ids.get(place)))
                            .build());
        }
    },
    /** Waves away the top item, seldom if it is liked; a slate is worth the chance that it stays. */
    DISMISS {
        @Override
        double worth(List<Boolean> likes) {
            return 1 - dismissal(likes.getFirst());
        }

        @Override
        Optional<Signal> signal(List<String> ids, List<Boolean> likes, SplittableRandom random) {
            return random.nextDouble() >= dismissal(likes.getFirst()) ? Optional.empty()
                    : Optional.of(Signal.newBuilder()
                            .setDismiss(Dismiss.newBuilder().setCandidateId(ids.getFirst()))
                            .build());
        }

        private double dismissal(boolean liked) {
            return liked ? 0.03 : 0.8;
        }
    },
    /** Rates the top item, not always the same way; a slate is worth the rating that is to be expected. */
    RATING {
        @Override
        double worth(List<Boolean> likes) {
            return likes.getFirst() ? 0.8 : 0.2;
        }

        @Override
        Optional<Signal> signal(List<String> ids, List<Boolean> likes, SplittableRandom random) {
            double value = worth(likes) + SPREAD * random.nextGaussian();
            return Optional.of(Signal.newBuilder()
                    .setRating(Rating.newBuilder()
                            .setCandidateId(ids.getFirst())
                            .setValue(Math.clamp(value, 0, 1)))
                    .build());
        }
    },
    /** Spends time on the top item, or leaves at once; a slate is worth the reward that is to be expected. */
    REWARD {
        @Override
        double worth(List<Boolean> likes) {
            return likes.getFirst() ? 0.7 : -0.3;
        }

        @Override
        Optional<Signal> signal(List<String> ids, List<Boolean> likes, SplittableRandom random) {
            double value = worth(likes) + SPREAD * random.nextGaussian();
            return Optional.of(Signal.newBuilder()
                    .setReward(Reward.newBuilder()
                            .setCandidateId(ids.getFirst())
                            .setValue(value))
                    .build());
        }
    };

    private static final double SPREAD = 0.2;

    /** Returns what is to be expected of a slate whose items are liked or not. */
    abstract double worth(List<Boolean> likes);

    /** Returns what the reader does, if anything. */
    abstract Optional<Signal> signal(List<String> ids, List<Boolean> likes,
            SplittableRandom random);
}
