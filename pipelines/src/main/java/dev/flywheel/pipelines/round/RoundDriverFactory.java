package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.pipelines.intake.DeadLetters;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/** Makes {@link RoundDriver}s. */
public final class RoundDriverFactory extends AbstractStreamOperatorFactory<DeadLetter>
        implements
            OneInputStreamOperatorFactory<LoopItem, DeadLetter> {
    private static final long serialVersionUID = 1L;

    private final ServerTargets targets;
    private final RoundPace pace;
    private final GuardProfiles profiles;
    private final DeadLetters letters;

    public RoundDriverFactory(ServerTargets targets, RoundPace pace, GuardProfiles profiles,
            DeadLetters letters) {
        this.targets = targets;
        this.pace = pace;
        this.profiles = profiles;
        this.letters = letters;
    }

    @Override
    @SuppressWarnings("unchecked") // the interface asks for any operator of this output
    public <T extends StreamOperator<DeadLetter>> T createStreamOperator(
            StreamOperatorParameters<DeadLetter> parameters) {
        return (T) new RoundDriver(parameters, targets, pace, profiles, letters);
    }

    @Override
    public Class<? extends StreamOperator<?>> getStreamOperatorClass(ClassLoader loader) {
        return RoundDriver.class;
    }
}
