package dev.flywheel.app.cli;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.app.deadletter.DeadLetters;
import dev.flywheel.feedback.event.ReasonNames;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Where the dead letters are. */
final class DlqOptions {
    @Mixin private BrokerOptions broker = new BrokerOptions();

    /** Fails, naming what there is, if one of {@code --reason} is none. */
    static void requireReasons(CommandSpec spec, List<String> reasons) {
        List<String> known = Arrays.stream(RefusalReason.values())
                .filter(reason -> reason != RefusalReason.UNRECOGNIZED
                        && reason != RefusalReason.REFUSAL_REASON_UNSPECIFIED)
                .map(ReasonNames::of)
                .toList();
        for (String reason : reasons) {
            if (!known.contains(reason)) {
                throw new ParameterException(spec.commandLine(),
                        "--reason is '%s', it must be one of %s".formatted(reason,
                                String.join(", ", known)));
            }
        }
    }

    DeadLetters open() {
        return new DeadLetters(broker.brokers(), broker.topics());
    }
}
