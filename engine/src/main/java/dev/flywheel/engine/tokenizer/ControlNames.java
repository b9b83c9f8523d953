package dev.flywheel.engine.tokenizer;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Other names of control tokens, which no text holds by accident or intent.
 *
 * <p>They are drawn at load: who knew them could spell a control token. No id depends on them.
 *
 * @param byToken a token's other name by its own
 * @param literal tokens that are matched as they are written, by their first character, longest first
 * @param breaker put into a text so that no token is matched across it
 * @param quote put before a character so that no token is matched from it on
 */
record ControlNames(
        Map<String, String> byToken,
        Map<Character, List<String>> literal,
        String breaker,
        String quote) {
    private static final int NONCE_BYTES = 16;

    // Noncharacters: valid in UTF-8, changed by no normalizer, meant by nobody.
    private static final char OPEN = '\uFDD0';
    private static final char CLOSE = '\uFDD1';
    private static final char BREAK = '\uFDD2';
    private static final char QUOTE = '\uFDD3';

    static ControlNames random(TokenizerFiles files) {
        byte[] nonce = new byte[NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        String secret = HexFormat.of().formatHex(nonce);
        Map<String, String> names = new LinkedHashMap<>();
        files.controlTokens()
                .forEach((token, id) -> names.put(token, OPEN + secret + "." + id + CLOSE));
        Map<Character, List<String>> literal = new HashMap<>();
        for (String token : files.literalTokens().keySet()) {
            if (!token.isEmpty()) {
                literal.computeIfAbsent(token.charAt(0), first -> new ArrayList<>()).add(token);
            }
        }
        literal.values()
                .forEach(tokens -> tokens.sort(Comparator.comparingInt(String::length).reversed()));
        return new ControlNames(names, literal, BREAK + secret + BREAK, QUOTE + secret + QUOTE);
    }
}
