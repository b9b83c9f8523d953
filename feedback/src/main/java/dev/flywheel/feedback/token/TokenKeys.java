package dev.flywheel.feedback.token;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The secrets that sign feedback tokens. The first signs; all verify, so that a key is rotated by putting a new one before it
 * and is dropped when its last token has expired.
 *
 * <p>In a file: one key a line, {@code <id>=<base64 of at least 32 bytes>}; empty lines and lines that begin with {@code #}
 * are skipped. Whoever can read the file can forge feedback.
 */
public final class TokenKeys {
    private static final Pattern ID = Pattern.compile("[a-z0-9-]{1,32}");
    private static final int SECRET_BYTES_MIN = 32;

    private final List<Key> keys;

    /** One secret and the name under which tokens refer to it. */
    record Key(String id, byte[] secret) {}

    private TokenKeys(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * Reads a key file.
     *
     * @throws IllegalArgumentException naming the line that is not a key
     */
    public static TokenKeys read(Path file) throws IOException {
        return parse(Files.readString(file, StandardCharsets.UTF_8));
    }

    /** Reads the text of a key file. */
    public static TokenKeys parse(String text) {
        List<Key> keys = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            Key key = key(line, i + 1);
            if (!ids.add(key.id())) {
                throw wrong(i + 1, "key id " + key.id() + " stands twice; give each key its own");
            }
            keys.add(key);
        }
        if (keys.isEmpty()) {
            throw new IllegalArgumentException(
                    "token key file holds no key; add a line <id>=<base64 of 32 random bytes>");
        }
        return new TokenKeys(keys);
    }

    /** Returns the text of a key file with one key. */
    public static String format(String id, byte[] secret) {
        String line = id + "=" + Base64.getEncoder().encodeToString(secret) + "\n";
        key(line.strip(), 1);
        return line;
    }

    private static Key key(String line, int number) {
        int equals = line.indexOf('=');
        String id = equals < 0 ? line : line.substring(0, equals);
        if (equals < 0 || !ID.matcher(id).matches()) {
            // The line is not echoed: it may hold a secret.
            throw wrong(number, "it must be <id>=<base64>, id of a-z, 0-9 and -");
        }
        byte[] secret;
        try {
            secret = Base64.getDecoder().decode(line.substring(equals + 1).strip());
        } catch (IllegalArgumentException e) {
            throw wrong(number, "the secret of key " + id + " is not base64");
        }
        if (secret.length < SECRET_BYTES_MIN) {
            throw wrong(number, "the secret of key %s has %d bytes, at least %d are needed"
                    .formatted(id, secret.length, SECRET_BYTES_MIN));
        }
        return new Key(id, secret);
    }

    private static IllegalArgumentException wrong(int line, String what) {
        return new IllegalArgumentException("token key file, line " + line + ": " + what);
    }

    Key signing() {
        return keys.get(0);
    }

    Optional<Key> find(String id) {
        return keys.stream().filter(key -> key.id().equals(id)).findFirst();
    }
}
