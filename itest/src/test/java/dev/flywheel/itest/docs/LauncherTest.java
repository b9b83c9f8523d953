package dev.flywheel.itest.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./flywheel} in a checkout of which only the shape is real: its build does no more than to leave a mark. */
@Timeout(60)
class LauncherTest {
    @TempDir Path folder;

    private Path checkout;

    @BeforeEach
    void layOut() throws IOException {
        checkout = folder.resolve("checkout");
        Files.createDirectories(checkout.resolve("app/src/main"));
        Files.createDirectories(checkout.resolve("app/target"));
        Files.createDirectories(checkout.resolve("store/target"));
        Files.writeString(checkout.resolve("pom.xml"), "");
        Files.writeString(checkout.resolve("app/pom.xml"), "");
        Files.writeString(checkout.resolve("app/target/flywheel-app.jar"), "");
        Files.writeString(checkout.resolve("store/target/flywheel-store-0.1.0.jar"), "");
        executable("flywheel", Checkout.text("flywheel"));
        executable("mvnw", "#!/bin/sh\n: >built\nexit 1\n");
    }

    @Test
    void nothingIsBuiltWhileTheClassPathIsInPlace() throws Exception {
        classPath(checkout.resolve("store/target/flywheel-store-0.1.0.jar"));

        assertThat(builds()).isFalse();
    }

    @Test
    void aCheckoutThatWasMovedIsBuiltAgain() throws Exception {
        classPath(folder.resolve("before/store/target/flywheel-store-0.1.0.jar"));

        assertThat(builds()).isTrue();
    }

    @Test
    void aCheckoutThatWasCopiedIsBuiltAgainAndRunsNoCodeOfTheOther() throws Exception {
        Path other = Files.createDirectories(folder.resolve("before/store/target"));
        classPath(Files.writeString(other.resolve("flywheel-store-0.1.0.jar"), ""));

        assertThat(builds()).isTrue();
    }

    @Test
    void aLibraryThatIsGoneFromMavensCacheIsFetchedAgain() throws Exception {
        classPath(folder.resolve("cache/picocli.jar"));

        assertThat(builds()).isTrue();
    }

    private void classPath(Path entry) throws IOException {
        Path file = Files.writeString(checkout.resolve("app/target/classpath"), entry.toString());
        // Younger than the sources, whatever the clock's grain.
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(60)));
    }

    private boolean builds() throws Exception {
        ProcessBuilder launcher = new ProcessBuilder("./flywheel", "--version")
                .directory(checkout.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("launcher.log").toFile());
        launcher.environment().put("JAVA_HOME", System.getProperty("java.home"));
        var unused = launcher.start().waitFor();
        return Files.exists(checkout.resolve("built"));
    }

    private void executable(String name, String text) throws IOException {
        Files.setPosixFilePermissions(
                Files.writeString(checkout.resolve(name), text),
                PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
