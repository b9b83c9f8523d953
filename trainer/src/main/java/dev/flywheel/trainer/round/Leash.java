package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;

/** How tightly an example's own rows are held to the base: kl_weight times their mean KL(base || adapter). */
final class Leash {
    private Leash() {}

    /** Returns the example's own weight, else the round's; 0 is off and costs nothing. */
    static double weight(Example example, RoundSettings settings) {
        if (!example.hasKlWeight()) {
            return settings.getKlWeight();
        }
        double weight = example.getKlWeight();
        Requirement.holds(
                weight >= 0 && Double.isFinite(weight),
                "kl_weight must be finite and at least 0, was " + weight);
        return weight;
    }
}
