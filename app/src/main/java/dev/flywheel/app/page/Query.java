package dev.flywheel.app.page;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The fields of a request's query; each refusal names the field, what came and what is allowed. */
final class Query {
    private static final int CHARS_MAX = 1_000;
    private static final Pattern ADAPTER =
            Pattern.compile("[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?");
    private static final Pattern WHOLE = Pattern.compile("\\d{1,18}");

    private final Map<String, String> fields = new HashMap<>();

    /** @param text as it stood behind the question mark, null if nothing did */
    Query(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return;
        }
        if (text.length() > CHARS_MAX) {
            throw new PageException(400, "the query has %d characters, at most %d are read"
                    .formatted(text.length(), CHARS_MAX));
        }
        for (String field : text.split("&", -1)) {
            int equals = field.indexOf('=');
            fields.put(decoded(equals < 0 ? field : field.substring(0, equals)),
                    equals < 0 ? "" : decoded(field.substring(equals + 1)));
        }
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new PageException(400, "the query has \"%s\", which is not percent-encoded text"
                    .formatted(text));
        }
    }

    /** Returns a text, empty if it was not given. */
    String text(String field) {
        return fields.getOrDefault(field, "");
    }

    /** Returns the adapter that has to be named. */
    String adapter() {
        String name = text("adapter");
        if (!ADAPTER.matcher(name).matches()) {
            throw new PageException(400,
                    "adapter is \"%s\", allowed is a name like default/main".formatted(name));
        }
        return name;
    }

    /** Returns a whole number, {@code otherwise} if it was not given. */
    long whole(String field, long least, long most, long otherwise) {
        String text = text(field);
        if (text.isEmpty()) {
            return otherwise;
        }
        long value = WHOLE.matcher(text).matches() ? Long.parseLong(text) : -1;
        if (value < least || value > most) {
            throw new PageException(400, "%s is \"%s\", allowed is a whole number from %d to %d"
                    .formatted(field, text, least, most));
        }
        return value;
    }
}
