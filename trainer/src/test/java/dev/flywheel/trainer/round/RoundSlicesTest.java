package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.TinyBase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P10: what a round computes, it computes in slices, so that serving waits for at most one of them. */
class RoundSlicesTest {
    /** Moving weights to the device and back computes nothing. */
    private static final Set<String> MOVES = Set.of("upload", "download");

    @TempDir Path folder;
    private final DeviceLoop loop = new DeviceLoop(1, () -> 0);
    private final Set<String> inSlices = new TreeSet<>();
    private final Set<String> outside = new TreeSet<>();

    @Test
    void everythingThatARoundComputesIsInASlice() throws Exception {
        try (RoundFixture fixture =
                new RoundFixture(folder, watched(), TinyBase.SMALL, 4)) {
            List<Example> examples = List.of(
                    fixture.slate("e1", "u1", "tennis fan", List.of("tennis", "opera"), 0),
                    fixture.correction("e2", "who wrote it?", "Ann"));
            RoundSettings settings = RoundFixture.SETTINGS.toBuilder()
                    .setAnchorWeight(0.1)
                    .setAnchorsPerStep(2)
                    .setSftStepsMax(3)
                    .setSftTargetLoss(0.1)
                    .build();
            try (Round round = fixture.newRound(loop)) {
                inSlices.clear();
                outside.clear();
                round.run(new RoundInput(fixture.startParent(RoundFixture.LORA), examples, 7,
                        settings), () -> false);
            }
        }
        assertThat(inSlices).as("of which some steps and norms are")
                .contains("adamW", "sumOfSquares", "add", "matmul");
        outside.removeAll(MOVES);
        assertThat(outside).isEmpty();
    }

    /** Notes for each kernel whether it was called in a slice. */
    private Backend watched() {
        Backend real = Backends.open("reference", 1);
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    if (queued(method)) {
                        (inSlice() ? inSlices : outside).add(method.getName());
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static boolean queued(Method method) {
        return method.getParameterCount() > 0 && method.getParameterTypes()[0] == Stream.class;
    }

    /** The loop refuses work to a thread that is inside it. */
    private boolean inSlice() {
        try {
            loop.step(() -> {});
            return false;
        } catch (IllegalStateException nested) {
            return true;
        }
    }
}
