package dev.flywheel.engine.tokenizer;

import java.util.List;
import java.util.Set;

/**
 * Keeps control tokens spelled in untrusted parts of a text from becoming control tokens.
 *
 * <p>Use: pass every untrusted part through {@link #untrusted}, put the text together, and
 * {@link #encode} it. Control tokens of the trusted parts count, also right beside untrusted ones;
 * those that an untrusted part spells, or begins or ends to spell at its edge, stay text.
 *
 * <p>Thread-safe.
 */
public final class ControlGuard {
    private final Tokenizer tokenizer;
    private final ControlNames names;

    ControlGuard(Tokenizer tokenizer, ControlNames names) {
        this.tokenizer = tokenizer;
        this.names = names;
    }

    /** Returns the part with a mark inside every control token it spells; mostly the part itself. */
    public String untrusted(String part) {
        Set<String> tokens = names.byToken().keySet();
        String guarded = part;
        for (String token : tokens) {
            if (!token.isEmpty() && guarded.contains(token)) {
                String broken = token.length() == 1
                        ? names.quote() + token
                        : token.charAt(0) + names.breaker() + token.substring(1);
                guarded = guarded.replace(token, broken);
            }
        }
        boolean ends = tokens.stream().anyMatch(token -> endsWithBeginningOf(token, part));
        boolean begins = tokens.stream().anyMatch(token -> beginsWithEndOf(token, part));
        return (begins ? names.breaker() : "") + guarded + (ends ? names.breaker() : "");
    }

    private static boolean endsWithBeginningOf(String token, String part) {
        for (int length = Math.min(token.length() - 1, part.length()); length > 0; length--) {
            if (token.regionMatches(0, part, part.length() - length, length)) {
                return true;
            }
        }
        return false;
    }

    private static boolean beginsWithEndOf(String token, String part) {
        for (int length = Math.min(token.length() - 1, part.length()); length > 0; length--) {
            if (part.regionMatches(0, token, token.length() - length, length)) {
                return true;
            }
        }
        return false;
    }

    /** Returns a text that was put together from guarded parts as it reads without the marks. */
    public String plain(String guarded) {
        return guarded.replace(names.breaker(), "").replace(names.quote(), "");
    }

    /** Returns the ids of a text put together from guarded parts, and nothing added around it. */
    public int[] encode(String guarded) {
        StringBuilder renamed = new StringBuilder(guarded.length());
        int at = 0;
        while (at < guarded.length()) {
            if (guarded.startsWith(names.quote(), at)) {
                at += names.quote().length();
                if (at < guarded.length()) {
                    renamed.append(guarded.charAt(at++));
                }
                continue;
            }
            String token = longestAt(guarded, at);
            if (token.isEmpty()) {
                renamed.append(guarded.charAt(at++));
            } else {
                renamed.append(names.byToken().getOrDefault(token, token));
                at += token.length();
            }
        }
        return tokenizer.encodeRenamed(plain(renamed.toString()));
    }

    private String longestAt(String text, int at) {
        for (String token : names.literal().getOrDefault(text.charAt(at), List.of())) {
            if (text.startsWith(token, at)) {
                return token;
            }
        }
        return "";
    }
}
