package dev.flywheel.app.local;

import dev.flywheel.store.Store;
import io.grpc.BindableService;
import io.micrometer.core.instrument.Gauge;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** Versions at rest, and the server by which all others reach them. */
record StoreRole(Store store, InternalServer server) {

    static StoreRole start(RoleContext context, Path folder, InetSocketAddress address) {
        Store store =
                context.closing()
                        .add(
                                "store",
                                () -> Store.open(folder, ModuleSettings.store(context.config()),
                                        context.clock()));
        var unused = store.ended().thenAccept(context.end()::complete);
        Gauge.builder("flywheel.store.commits", store, Store::commits)
                .description("commands that changed something since the store was made")
                .register(context.meters());
        Gauge.builder("flywheel.store.syncs", store, Store::walSyncs)
                .description(
                        "syncs of the write-ahead log since the store was opened; rises before any commit is acknowledged")
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
