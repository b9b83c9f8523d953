package dev.flywheel.app.oracle;

import java.util.Locale;

/**
 * A measured difference beside what is allowed.
 *
 * @param worst NaN where something was not finite, which is never within
 */
public record Figure(String name, double worst, double allowed) {
    public boolean within() {
        return worst <= allowed;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s %.3g (allowed %.3g)", name, worst, allowed);
    }
}
