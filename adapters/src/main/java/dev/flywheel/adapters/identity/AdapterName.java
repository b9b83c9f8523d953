package dev.flywheel.adapters.identity;

import java.util.regex.Pattern;

/**
 * The name of an adapter, such as {@code news/ranker}: one or two segments of lower-case letters,
 * digits and dashes.
 *
 * <p>The narrow alphabet keeps a name free of anything a path, a topic or a metric label could
 * misread.
 */
public record AdapterName(String value) implements Comparable<AdapterName> {
    private static final Pattern LEGAL =
            Pattern.compile("[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?");
    private static final int SHOWN_MAX = 140;

    public AdapterName {
        if (!LEGAL.matcher(value).matches()) {
            String shown =
                    value.length() > SHOWN_MAX ? value.substring(0, SHOWN_MAX) + "..." : value;
            throw new IllegalArgumentException(
                    "adapter name is '"
                            + shown
                            + "', allowed are one or two segments of 1 to 63 characters a-z, 0-9 and -,"
                            + " joined by /, such as news/ranker");
        }
    }

    @Override
    public int compareTo(AdapterName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
