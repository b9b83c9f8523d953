package dev.flywheel.app.local;

import dev.flywheel.api.access.Role;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.ConsoleConfig;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.page.ConsolePage;
import dev.flywheel.app.page.History;
import dev.flywheel.app.page.PageAccess;
import dev.flywheel.app.page.RegistryView;
import java.util.Set;

/** The page for people over what this process measures and its store knows. */
final class Console {
    private Console() {}

    static ConsolePage open(RoleContext context, StoreClient store) {
        FlywheelConfig config = context.config();
        ConsoleConfig console = config.console();
        History history = context.closing()
                .add("console",
                        () -> History.start(context.meters(), context.name(), console.interval(),
                                console.samplesMax(), config.audit().alarmAfter(),
                                context.clock()));
        RegistryView registry = new RegistryView(store, console.adaptersAge(),
                console.ancestorsMax(), System::nanoTime);
        return new ConsolePage(access(context), history, registry, console.requestsMax());
    }

    /** As at the gRPC port: who shows no key has the roles of this machine's callers only while no keys are given out. */
    private static PageAccess access(RoleContext context) {
        FlywheelConfig.Access access = context.config().access();
        Set<Role> local =
                access.keysFile().isBlank() ? Role.read(access.localRoles()) : Set.of();
        return new PageAccess(KeyFile.open(context), local, context.config().metrics().host(),
                context.clock());
    }
}
