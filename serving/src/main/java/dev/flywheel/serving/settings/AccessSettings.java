package dev.flywheel.serving.settings;

import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Who is let in.
 *
 * @param keys the credentials known now; asked for at each call
 * @param local roles of callers on this machine that show no credential
 */
public record AccessSettings(Supplier<KeyRing> keys, Set<Role> local) {
    public AccessSettings {
        local = Set.copyOf(local);
    }

    /** No credentials: callers on this machine may do everything, others nothing. */
    public static AccessSettings thisMachine() {
        return new AccessSettings(() -> KeyRing.EMPTY, Set.of(Role.values()));
    }
}
