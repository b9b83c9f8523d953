package dev.flywheel.app.cli;

import dev.flywheel.api.access.KeyRing;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes a key and adds its digest to a key file. */
@Command(
        name = "key",
        mixinStandardHelpOptions = true,
        description = {
            "Makes an API key, prints it once, and adds its digest to the file that access.keys_file names.",
            "Clients send it as the header authorization: Bearer KEY; commands take it from FLYWHEEL_KEY."
        })
public final class KeyCommand implements Callable<Integer> {
    private static final int KEY_BYTES = 32;
    private static final String PREFIX = "fw_";

    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--file", paramLabel = "FILE", required = true,
            description = "Key file, made if it is missing, readable by its owner alone.") private Path file =
                    Path.of("");

    @Option(names = "--name", paramLabel = "NAME", required = true,
            description = "Of whoever gets the key; stands once in the file.") private String name =
                    "";

    @Option(names = "--roles", paramLabel = "LIST", required = true,
            description = "What it may do: infer, feedback, operate, admin, joined by commas.") private String roles =
                    "";

    @Option(names = "--tenants", paramLabel = "LIST",
            description = "Tenants it may act for, joined by commas; infer and feedback only. Default: all.") private @Nullable String tenants;

    @Option(names = "--valid", paramLabel = "TIME", converter = DurationConverter.class,
            description = "How long it is taken, such as 90d. Default: until its line is deleted.") private @Nullable Duration valid;

    @Override
    public Integer call() {
        byte[] random = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(random);
        String key = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        add(line(key));
        output.print(Map.of("name", name, "key", key), key);
        return 0;
    }

    private String line(String key) {
        StringBuilder line = new StringBuilder("name=" + name + " roles=" + roles);
        line.append(" sha256=").append(KeyRing.digestOf(key));
        if (tenants != null) {
            line.append(" tenants=").append(tenants);
        }
        if (valid != null) {
            line.append(" expires=")
                    .append(Instant.now().plus(valid).truncatedTo(ChronoUnit.SECONDS));
        }
        return line.append('\n').toString();
    }

    /** The file is judged with the new line before anything is written. */
    private void add(String line) {
        try {
            String before = Files.exists(file) ? Files.readString(file) : "";
            String joint = before.isEmpty() || before.endsWith("\n") ? "" : "\n";
            var unused = KeyRing.read(before + joint + line);
            if (!Files.exists(file)) {
                Files.createFile(file, PosixFilePermissions.asFileAttribute(
                        PosixFilePermissions.fromString("rw-------")));
            }
            Files.writeString(file, joint + line, StandardOpenOption.APPEND);
        } catch (IllegalArgumentException e) {
            throw new StartException("%s, with the new key: %s".formatted(file, e.getMessage()), e);
        } catch (IOException e) {
            throw new StartException("%s cannot be written: %s".formatted(file, e), e);
        }
    }
}
