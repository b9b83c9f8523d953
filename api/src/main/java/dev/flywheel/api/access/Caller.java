package dev.flywheel.api.access;

import io.grpc.Context;
import java.util.Set;

/**
 * Who calls, as its credential says.
 *
 * @param name for logs and audit
 * @param tenants those it may act for; empty means all
 */
public record Caller(String name, Set<Role> roles, Set<String> tenants) {
    private static final Context.Key<Caller> KEY = Context.key("flywheel-caller");

    public Caller {
        roles = Set.copyOf(roles);
        tenants = Set.copyOf(tenants);
    }

    /** Whether the caller may act for a tenant. */
    public boolean mayActFor(String tenant) {
        return tenants.isEmpty() || tenants.contains(tenant);
    }

    /** Whether the caller of the call that this thread works on may act for a tenant; outside of calls, yes. */
    public static boolean currentMayActFor(String tenant) {
        Caller caller = KEY.get();
        return caller == null || caller.mayActFor(tenant);
    }

    /** Returns the current context with this caller in it, for the work that is done for it. */
    public Context inContext() {
        return Context.current().withValue(KEY, this);
    }
}
