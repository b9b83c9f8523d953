package dev.flywheel.api.access;

import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One line of a key file: {@code name=… roles=… sha256=…}, or {@code certificate=…} in place of the last; {@code tenants=…}
 * and {@code expires=…} may follow.
 */
final class Credential {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,63}");
    private static final Pattern TENANT = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
    private static final List<String> FIELDS =
            List.of("name", "roles", "sha256", "certificate", "tenants", "expires");
    private static final int DIGEST_BYTES = 32;

    private final Caller caller;
    private final byte @Nullable [] keyDigest;
    private final @Nullable String certificate;
    private final @Nullable Instant expires;

    private Credential(Map<String, String> fields) {
        this.caller = new Caller(name(fields), roles(fields), tenants(fields));
        this.keyDigest = digest(fields.get("sha256"));
        this.certificate = fields.get("certificate");
        this.expires = instant(fields.get("expires"));
        if ((keyDigest == null) == (certificate == null)) {
            throw new IllegalArgumentException("give either sha256=HEX or certificate=NAME");
        }
        if (!caller.tenants().isEmpty()
                && (caller.roles().contains(Role.OPERATE) || caller.roles().contains(Role.ADMIN))) {
            throw new IllegalArgumentException(
                    "tenants is set, but operate and admin reach all tenants; leave one of them out");
        }
    }

    /** @throws IllegalArgumentException saying what is wrong with the line */
    static Credential read(String line) {
        Map<String, String> fields = new HashMap<>();
        for (String word : line.strip().split("\\s+", -1)) {
            int equals = word.indexOf('=');
            String field = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 || !FIELDS.contains(field)) {
                throw new IllegalArgumentException("\"%s\" is no field, allowed are %s"
                        .formatted(field, String.join(", ", FIELDS)));
            }
            if (fields.put(field, word.substring(equals + 1)) != null) {
                throw new IllegalArgumentException(field + " stands twice");
            }
        }
        return new Credential(fields);
    }

    private static String name(Map<String, String> fields) {
        String name = fields.getOrDefault("name", "");
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "name is \"%s\", allowed are 1 to 63 letters, digits and . _ -"
                            .formatted(name));
        }
        return name;
    }

    private static Set<Role> roles(Map<String, String> fields) {
        Set<Role> roles = Role.read(fields.getOrDefault("roles", ""));
        if (roles.isEmpty()) {
            throw new IllegalArgumentException("roles is empty, allowed are one or more of "
                    + Role.words(Set.of(Role.values())) + ", joined by commas");
        }
        return roles;
    }

    private static Set<String> tenants(Map<String, String> fields) {
        String text = fields.get("tenants");
        if (text == null) {
            return Set.of();
        }
        Set<String> tenants = Set.copyOf(List.of(text.split(",", -1)));
        tenants.forEach(tenant -> {
            if (!TENANT.matcher(tenant).matches()) {
                throw new IllegalArgumentException(
                        "tenants has \"%s\", allowed are 1 to 63 characters a-z, 0-9 and -"
                                .formatted(tenant));
            }
        });
        return tenants;
    }

    private static byte @Nullable [] digest(@Nullable String hex) {
        if (hex == null) {
            return null;
        }
        if (hex.length() != 2 * DIGEST_BYTES) {
            throw new IllegalArgumentException("sha256 has %d characters, it must have %d"
                    .formatted(hex.length(), 2 * DIGEST_BYTES));
        }
        return HexFormat.of().parseHex(hex);
    }

    private static @Nullable Instant instant(@Nullable String text) {
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "expires is \"%s\", write it like 2030-01-31T00:00:00Z".formatted(text), e);
        }
    }

    String name() {
        return caller.name();
    }

    Caller caller() {
        return caller;
    }

    /** Takes as long for a wrong digest as for the right one. */
    boolean isKey(byte[] digest) {
        return keyDigest != null && MessageDigest.isEqual(keyDigest, digest);
    }

    boolean isCertificate(String commonName) {
        return commonName.equals(certificate);
    }

    boolean isValidAt(Instant now) {
        return expires == null || now.isBefore(expires);
    }
}
