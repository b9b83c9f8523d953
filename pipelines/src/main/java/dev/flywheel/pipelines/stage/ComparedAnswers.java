package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.Pairs;
import dev.flywheel.feedback.guard.Admission;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Takes from each impression what a preference may be compared with. Chained to the intake, so that of slates nothing and of
 * answers little travels on.
 */
public final class ComparedAnswers extends ProcessFunction<Impression, ComparedAnswer> {
    private static final long serialVersionUID = 1L;

    private final AttributionSettings settings;
    private final GuardProfiles profiles;
    private final String tokenKeyFile;

    private transient Pairs pairs;
    private transient Admission admission;

    public ComparedAnswers(AttributionSettings settings, GuardProfiles profiles,
            Path tokenKeyFile) {
        this.settings = settings;
        this.profiles = profiles;
        this.tokenKeyFile = tokenKeyFile.toString();
    }

    @Override
    public void open(OpenContext context) throws Exception {
        pairs = new Pairs(settings);
        admission = new Admission(new TokenSigner(TokenKeys.read(Path.of(tokenKeyFile))), profiles);
    }

    @Override
    public void processElement(Impression impression, Context context,
            Collector<ComparedAnswer> out) {
        pairs.compared(impression, admission.consents(impression)).ifPresent(out::collect);
    }
}
