package dev.flywheel.api.access;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Which roles may call which method. What stands in no line may be called by nobody. */
public final class MethodRoles {
    private static final String OPEN = "open";

    /** Any of the roles is enough; {@code open} needs no credential. */
    private static final String LINES = """
            grpc.health.v1.Health/Check open
            grpc.health.v1.Health/Watch open
            grpc.health.v1.Health/List open
            grpc.reflection.v1.ServerReflection/ServerReflectionInfo infer,feedback,operate,admin
            inference.GRPCInferenceService/ServerLive open
            inference.GRPCInferenceService/ServerReady open
            inference.GRPCInferenceService/ServerMetadata infer,operate
            inference.GRPCInferenceService/ModelReady infer,operate
            inference.GRPCInferenceService/ModelMetadata infer,operate
            inference.GRPCInferenceService/ModelInfer infer
            flywheel.v1.Inference/Rank infer
            flywheel.v1.Inference/Generate infer
            flywheel.v1.Inference/Score infer
            flywheel.v1.Feedback/Send feedback
            flywheel.v1.Feedback/SendStream feedback
            flywheel.v1.Registry/CreateAdapter operate
            flywheel.v1.Registry/ConfigureAdapter operate
            flywheel.v1.Registry/DeleteAdapter admin
            flywheel.v1.Registry/GetAdapter operate
            flywheel.v1.Registry/ListAdapters operate
            flywheel.v1.Registry/GetVersion operate
            flywheel.v1.Registry/ListVersions operate
            flywheel.v1.Registry/SetAlias operate
            flywheel.v1.Registry/Rollback operate
            flywheel.v1.Registry/Excise operate
            flywheel.v1.Registry/Readmit operate
            flywheel.v1.Registry/Forget admin
            flywheel.v1.Registry/ListAliases operate
            flywheel.v1.Registry/ListAudit operate
            flywheel.v1.Registry/Watch operate
            flywheel.v1.Registry/GetBlob operate
            flywheel.v1.Registry/ListManifests operate
            flywheel.v1.Registry/GetManifestRecord operate
            flywheel.v1.Registry/LocateFeedback operate
            """;

    private static final Map<String, Set<Role>> ROLES = new HashMap<>();

    static {
        LINES.lines()
                .map(line -> line.split(" ", 2))
                .forEach(parts -> ROLES.put(parts[0],
                        parts[1].equals(OPEN) ? EnumSet.noneOf(Role.class) : Role.read(parts[1])));
    }

    private MethodRoles() {}

    /** Whether anybody may call a method, without a credential; {@code method} as in {@code package.Service/Method}. */
    public static boolean isOpen(String method) {
        Set<Role> roles = ROLES.get(method);
        return roles != null && roles.isEmpty();
    }

    /** Returns the roles of which one is enough; none if nobody may call the method, or everybody. */
    public static Set<Role> allowed(String method) {
        return Set.copyOf(ROLES.getOrDefault(method, Set.of()));
    }

    /** Whether a method is offered on the admin port alone. */
    public static boolean isAdminOnly(String method) {
        return allowed(method).equals(Set.of(Role.ADMIN));
    }
}
