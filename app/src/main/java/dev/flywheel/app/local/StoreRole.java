package dev.flywheel.app.local;

import dev.flywheel.store.Store;
import io.grpc.BindableService;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** Versions at rest, and the server by which all others reach them. */
record StoreRole(Store store, InternalServer server) {

    static StoreRole start(RoleContext context, Path folder, InetSocketAddress address) {
        OpenMark mark =
                context.closing().add("store mark", () -> new OpenMark(folder, context.meters()));
        Store store =
                context.closing()
                        .add(
                                "store",
                                () -> Store.open(folder, ModuleSettings.store(context.config()),
                                        context.clock()));
        mark.opened();
        var unused = store.ended().thenAccept(context.end()::complete);
        FunctionCounter.builder("flywheel.store.commits", store, Store::commits)
                .description("commands that changed something since the store was made")
                .register(context.meters());
        FunctionCounter.builder("flywheel.store.syncs", store, Store::walSyncs)
                .description(
                        "syncs of the write-ahead log since the store was opened; rises before any commit is acknowledged")
                .register(context.meters());
        Gauge.builder("flywheel.store.manifests.open", store, Store::openManifests)
                .description("rounds that were claimed and have no outcome yet, of all adapters")
                .register(context.meters());
        InternalServer server =
                context.closing()
                        .add(
                                "store server",
                                () -> InternalServer.start(store.services(),
                                        store.inboundBytesMax(), address));
        return new StoreRole(store, server);
    }

    /** Returns the service that operators and watchers use; what commits is not in it. */
    BindableService registry() {
        return store.services()
                .stream()
                .filter(service -> service.bindService()
                        .getServiceDescriptor()
                        .getName()
                        .endsWith(".Registry"))
                .findFirst()
                .orElseThrow();
    }
}
