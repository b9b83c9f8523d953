package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LoopItem;
import java.io.Serializable;
import java.util.Map;

/**
 * Which profile is in force for whom: a tenant's, else the one for all, each with the caps of the adapter's own over it.
 *
 * @param forAll of tenants that have none of their own
 * @param byTenant profiles of single tenants
 */
public record GuardProfiles(GuardProfile forAll, Map<String, GuardProfile> byTenant)
        implements
            Serializable {
    public GuardProfiles {
        byTenant = Map.copyOf(byTenant);
    }

    /** Returns profiles that are the same for every tenant. */
    public static GuardProfiles of(GuardProfile forAll) {
        return new GuardProfiles(forAll, Map.of());
    }

    /** Returns the profile in force for a tenant and an adapter with caps of its own, which may be none. */
    public GuardProfile of(String tenant, GuardSettings own) {
        return byTenant.getOrDefault(tenant, forAll).with(own);
    }

    public GuardProfile of(LoopItem item) {
        return of(item.getTenant(), item.getGuard());
    }
}
