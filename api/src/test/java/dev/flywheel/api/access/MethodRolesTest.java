package dev.flywheel.api.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.openinference.GRPCInferenceServiceGrpc;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.StoreCommitGrpc;
import dev.flywheel.api.v1.TrainingGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MethodRolesTest {
    private static Stream<String> methods(ServiceDescriptor... services) {
        return Stream.of(services)
                .flatMap(service -> service.getMethods().stream())
                .map(MethodDescriptor::getFullMethodName);
    }

    @Test
    void everyMethodForClientsAndOperatorsIsForSomeRoleOrOpen() {
        assertThat(methods(InferenceGrpc.getServiceDescriptor(),
                FeedbackGrpc.getServiceDescriptor(), RegistryGrpc.getServiceDescriptor(),
                GRPCInferenceServiceGrpc.getServiceDescriptor()))
                .allMatch(method -> MethodRoles.isOpen(method)
                        || !MethodRoles.allowed(method).isEmpty());
    }

    @Test
    void whatThePartsOfTheLoopSayToOneAnotherIsForNobody() {
        assertThat(methods(StoreCommitGrpc.getServiceDescriptor(),
                TrainingGrpc.getServiceDescriptor()))
                .noneMatch(MethodRoles::isOpen)
                .allMatch(method -> MethodRoles.allowed(method).isEmpty());
    }

    @Test
    void aMethodThatNobodyHasThoughtOfIsForNobody() {
        assertThat(MethodRoles.isOpen("flywheel.v1.Registry/Wipe")).isFalse();
        assertThat(MethodRoles.allowed("flywheel.v1.Registry/Wipe")).isEmpty();
    }

    @Test
    void whatCannotBeUndoneIsForTheAdminPortAlone() {
        assertThat(methods(RegistryGrpc.getServiceDescriptor()).filter(MethodRoles::isAdminOnly))
                .containsExactlyInAnyOrder(RegistryGrpc.getForgetMethod().getFullMethodName(),
                        RegistryGrpc.getDeleteAdapterMethod().getFullMethodName());
    }
}
