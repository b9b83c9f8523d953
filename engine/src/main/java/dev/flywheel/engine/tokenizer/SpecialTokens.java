package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the files beside tokenizer.json say about special tokens, put together as transformers does it.
 *
 * <p>tokenizer_config.json leads. special_tokens_map.json and added_tokens.json, which older versions
 * left behind, count only if it has no added_tokens_decoder.
 *
 * @param named tokens by their role, such as {@code eos_token}; models may have roles of their own
 * @param extra further special tokens
 * @param listed tokens with the ids that the files give them
 */
record SpecialTokens(
        Map<String, AddedToken> named,
        List<AddedToken> extra,
        SortedMap<Integer, AddedToken> listed) {
    private static final String CONFIG = "tokenizer_config.json: ";
    private static final String PAD = "pad_token";
    private static final Set<String> ROLES = Set.of("bos_token", "eos_token", "unk_token",
            "sep_token", PAD, "cls_token", "mask_token");

    /**
     * @param config tokenizer_config.json
     * @param map special_tokens_map.json
     * @param added added_tokens.json
     * @param padding of tokenizer.json; its token pads where the configuration names none
     */
    static SpecialTokens read(JsonNode config, JsonNode map, JsonNode added, JsonNode padding) {
        Builder builder = new Builder();
        builder.roles(config, CONFIG, false);
        builder.extra(config, CONFIG);
        if (config.has("added_tokens_decoder")) {
            builder.listed(config.path("added_tokens_decoder"));
        } else {
            builder.roles(map, "special_tokens_map.json: ", true);
            builder.extra(map, "special_tokens_map.json: ");
            builder.older(added);
        }
        if (!config.has(PAD) && !map.has(PAD) && padding.path(PAD).isTextual()) {
            builder.named.put(PAD, AddedToken.special(padding.path(PAD).textValue()));
        }
        return builder.built();
    }

    private static final class Builder {
        private final Map<String, AddedToken> named = new LinkedHashMap<>();
        private final List<AddedToken> extra = new ArrayList<>();
        private final SortedMap<Integer, AddedToken> listed = new TreeMap<>();

        /** Roles of every model must be tokens or null; of other fields, texts that are called tokens are. */
        private void roles(JsonNode file, String where, boolean special) {
            file.properties().forEach(field -> {
                String role = field.getKey();
                JsonNode value = field.getValue();
                boolean own = role.endsWith("_token") && (value.isTextual() || isToken(value));
                if (ROLES.contains(role) && value.isNull()) {
                    named.remove(role);
                } else if (ROLES.contains(role) || own) {
                    named.put(role, AddedToken.read(value, special, where + role));
                }
            });
        }

        private static boolean isToken(JsonNode value) {
            return value.path("__type").asText().equals("AddedToken");
        }

        /** A list of tokens, or tokens by roles of the model's own. */
        private void extra(JsonNode file, String where) {
            String key = "extra_special_tokens";
            JsonNode tokens = file.path(key);
            if (tokens.isMissingNode() || tokens.isNull()
                    || tokens.isContainerNode() && tokens.isEmpty()) {
                key = "additional_special_tokens"; // its older name
                tokens = file.path(key);
            }
            if (tokens.isObject()) {
                for (Map.Entry<String, JsonNode> token : tokens.properties()) {
                    named.put(token.getKey(), AddedToken.read(token.getValue(), false,
                            where + key + "." + token.getKey()));
                }
            } else if (tokens.isArray()) {
                for (JsonNode token : tokens) {
                    extra.add(AddedToken.read(token, false, where + "an entry of " + key));
                }
            } else if (!tokens.isMissingNode() && !tokens.isNull()) {
                throw new TokenizerException(
                        "%s%s is %s, expected a list of tokens; correct it"
                                .formatted(where, key, TokenizerShape.shown(tokens)));
            }
        }

        private void listed(JsonNode tokens) {
            if (!tokens.isObject()) {
                throw new TokenizerException(
                        "%sadded_tokens_decoder is %s, expected an object of tokens by their ids; correct it"
                                .formatted(CONFIG, TokenizerShape.shown(tokens)));
            }
            tokens.properties().forEach(token -> {
                String where = CONFIG + "added_tokens_decoder." + token.getKey();
                if (!token.getValue().isObject()) {
                    throw new TokenizerException(
                            "%s is %s, expected an object with a content; correct it"
                                    .formatted(where, TokenizerShape.shown(token.getValue())));
                }
                listed.put(id(token.getKey()), AddedToken.read(token.getValue(), false, where));
            });
        }

        private static int id(String key) {
            if (!key.matches("\\d{1,8}")) {
                throw new TokenizerException(
                        "%sadded_tokens_decoder has the key '%s', which is no token id; correct it"
                                .formatted(CONFIG, TokenizerShape.cut(key)));
            }
            return Integer.parseInt(key);
        }

        private void older(JsonNode ids) {
            ids.properties().forEach(token -> {
                if (!token.getValue().isInt() || token.getValue().intValue() < 0) {
                    throw new TokenizerException(
                            "added_tokens.json: '%s' has the id %s, expected a whole number; correct it"
                                    .formatted(TokenizerShape.cut(token.getKey()),
                                            TokenizerShape.shown(token.getValue())));
                }
                String content = token.getKey();
                boolean special = named.values()
                        .stream()
                        .anyMatch(one -> one.content().equals(content))
                        || extra.stream().anyMatch(one -> one.content().equals(content));
                listed.put(token.getValue().intValue(),
                        new AddedToken(content, special, !special, false, false, false));
            });
        }

        private SpecialTokens built() {
            Map<String, AddedToken> flagged = new LinkedHashMap<>(named);
            flagged.replaceAll((role, token) -> listed.values()
                    .stream()
                    .filter(one -> one.content().equals(token.content()))
                    .findFirst()
                    .orElse(token));
            return new SpecialTokens(flagged, List.copyOf(extra), listed);
        }
    }
}
