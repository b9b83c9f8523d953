package dev.flywheel.api.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The keys and certificates that a server knows, by their digests and names: it never holds a key itself. Immutable.
 *
 * <p>Keys are long random texts, so that one round of SHA-256 hides them well enough.
 */
public final class KeyRing {
    /** Credentials that one file may hold; every call is compared with all of them. */
    public static final int SIZE_MAX = 1_000;
    /** Knows nobody. */
    public static final KeyRing EMPTY = new KeyRing(List.of());

    private final List<Credential> credentials;

    private KeyRing(List<Credential> credentials) {
        this.credentials = List.copyOf(credentials);
    }

    /**
     * Reads the text of a key file: a credential a line; empty lines and those that begin with {@code #} are left out.
     *
     * @throws IllegalArgumentException naming the line and what is wrong with it
     */
    public static KeyRing read(String text) {
        List<Credential> read = new ArrayList<>();
        Set<String> names = new HashSet<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            if (!line.isBlank() && !line.strip().startsWith("#")) {
                Credential credential = credential(number, line);
                if (!names.add(credential.name())) {
                    throw wrong(number, "name " + credential.name() + " stands twice");
                }
                read.add(credential);
            }
        }
        if (read.size() > SIZE_MAX) {
            throw new IllegalArgumentException("has %d credentials, at most %d are allowed"
                    .formatted(read.size(), SIZE_MAX));
        }
        return new KeyRing(read);
    }

    private static Credential credential(int number, String line) {
        try {
            return Credential.read(line);
        } catch (IllegalArgumentException e) {
            throw wrong(number, String.valueOf(e.getMessage()));
        }
    }

    private static IllegalArgumentException wrong(int line, String why) {
        return new IllegalArgumentException("line " + line + ": " + why);
    }

    /** Returns who shows this key, unless nobody does, or it has expired. */
    public Optional<Caller> ofKey(String key, Instant now) {
        byte[] digest = digest(key);
        return find(credential -> credential.isKey(digest), now);
    }

    /** Returns who shows a certificate of this common name, which the transport has verified. */
    public Optional<Caller> ofCertificate(String commonName, Instant now) {
        return find(credential -> credential.isCertificate(commonName), now);
    }

    private Optional<Caller> find(Predicate<Credential> which, Instant now) {
        return credentials.stream()
                .filter(which)
                .filter(credential -> credential.isValidAt(now))
                .findFirst()
                .map(Credential::caller);
    }

    /** Returns what a key file holds of a key: its SHA-256, in hexadecimal digits. */
    public static String digestOf(String key) {
        return HexFormat.of().formatHex(digest(key));
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
