package dev.flywheel.api.access;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a caller may do. Roles stand beside each other: none contains another. */
public enum Role {
    /** Ask for answers. */
    INFER,
    /** Tell what users did with answers. */
    FEEDBACK,
    /** Look at adapters and versions, make, configure and repair them, move aliases. */
    OPERATE,
    /** Delete adapters and forget users, for good; on the admin port only. */
    ADMIN;

    /** Returns the name as settings and key files write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads names joined by commas; no names are no roles.
     *
     * @throws IllegalArgumentException naming the first that is no role
     */
    public static Set<Role> read(String words) {
        Set<Role> roles = EnumSet.noneOf(Role.class);
        for (String word : words.split(",", -1)) {
            if (!words.isBlank()) {
                roles.add(of(word.strip()));
            }
        }
        return roles;
    }

    private static Role of(String word) {
        return Stream.of(values())
                .filter(role -> role.word().equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "\"%s\" is no role, allowed are %s".formatted(word,
                                words(Set.of(values())))));
    }

    /** Returns the names, joined by commas, in one order. */
    public static String words(Set<Role> roles) {
        return roles.stream().sorted().map(Role::word).collect(Collectors.joining(","));
    }
}
