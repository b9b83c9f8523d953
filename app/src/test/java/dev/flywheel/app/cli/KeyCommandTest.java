package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.access.Caller;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import dev.flywheel.app.FlywheelCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class KeyCommandTest {
    @TempDir Path folder;

    private final StringWriter err = new StringWriter();

    /** Returns what was printed; nothing after a failure. */
    private String key(String... more) {
        StringWriter out = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        String[] args = new String[more.length + 3];
        args[0] = "key";
        args[1] = "--file";
        args[2] = folder.resolve("keys").toString();
        System.arraycopy(more, 0, args, 3, more.length);
        line.execute(args);
        return out.toString().strip();
    }

    private KeyRing ring() throws Exception {
        return KeyRing.read(Files.readString(folder.resolve("keys")));
    }

    @Test
    void aKeyOpensWhatItWasMadeForAndTheFileDoesNotHoldIt() throws Exception {
        String reader = key("--name", "reader", "--roles", "infer,feedback", "--tenants", "news");
        String ops = key("--name", "ops", "--roles", "operate");

        assertThat(ring().ofKey(reader, Instant.now())).contains(
                new Caller("reader", Set.of(Role.INFER, Role.FEEDBACK), Set.of("news")));
        assertThat(ring().ofKey(ops, Instant.now())).map(Caller::name).contains("ops");
        assertThat(Files.readString(folder.resolve("keys"))).doesNotContain(reader, ops);
        assertThat(Files.getPosixFilePermissions(folder.resolve("keys")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void aKeyIsTakenForAsLongAsItWasMadeFor() throws Exception {
        String key = key("--name", "brief", "--roles", "infer", "--valid", "90d");

        assertThat(ring().ofKey(key, Instant.now().plus(Duration.ofDays(89)))).isPresent();
        assertThat(ring().ofKey(key, Instant.now().plus(Duration.ofDays(91)))).isEmpty();
    }

    @Test
    void whatCannotBeAKeyLeavesTheFileAsItWas() throws Exception {
        key("--name", "a", "--roles", "infer");
        String before = Files.readString(folder.resolve("keys"));

        assertThat(key("--name", "a", "--roles", "infer")).isEmpty();
        assertThat(key("--name", "b", "--roles", "root")).isEmpty();
        assertThat(key("--name", "c", "--roles", "admin", "--tenants", "news")).isEmpty();

        assertThat(err.toString()).contains("name a stands twice", "\"root\" is no role",
                "operate and admin reach all tenants");
        assertThat(Files.readString(folder.resolve("keys"))).isEqualTo(before);
    }
}
