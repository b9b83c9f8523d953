package dev.flywheel.app.config;

/** When an off-policy estimate is told. */
public record OpeConfig(int effectiveSamplesMin) {
    public OpeConfig {
        Check.within("ope.effective_samples_min", effectiveSamplesMin, 2, 1_000_000_000);
    }
}
