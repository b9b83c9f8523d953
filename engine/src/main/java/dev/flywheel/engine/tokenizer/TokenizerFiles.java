package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.json.JsonProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** What the JSON files beside a model say about its tokens. */
final class TokenizerFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NONE = -1;

    private final boolean decodesByteRuns;
    private final SpaceCleanup cleanup;
    private final Map<String, String> named = new LinkedHashMap<>();
    private final Map<String, Integer> literalTokens = new LinkedHashMap<>();
    private final Map<String, Integer> controlTokens = new LinkedHashMap<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Set<Integer> controlIds = new HashSet<>();
    private final Set<Integer> byteIds = new HashSet<>();
    private final SortedSet<Integer> eosIds = new TreeSet<>();
    private final int eosId;
    private final int bosId;

    private TokenizerFiles(Path folder, JsonNode tokenizer, JsonNode config,
            SpecialTokens special) {
        special.named().forEach((role, token) -> named.put(role, token.content()));
        this.cleanup = SpaceCleanup.of(tokenizer.path("model"), config);
        TokenizerJson.vocabularyOf(tokenizer).forEach(this::put);
        readAddedTokens(tokenizer, Set.copyOf(named.values()));
        this.decodesByteRuns = tokenizer.path("decoder").toString().contains("\"ByteFallback\"");
        JsonNode generation = object(folder.resolve("generation_config.json"), false);
        JsonNode model = object(folder.resolve("config.json"), false);
        addIds(generation.path("eos_token_id"));
        addIds(model.path("eos_token_id"));
        this.eosId = firstId("eos_token", generation, model, "eos_token_id");
        this.bosId = firstId("bos_token", generation, model, "bos_token_id");
        if (eosId != NONE) {
            eosIds.add(eosId);
        }
    }

    /** What was read, and the text for the native library, which nobody needs to keep. */
    record Read(TokenizerFiles files, TokenizerJson json) {}

    static Read read(Path folder) {
        JsonNode config = object(folder.resolve("tokenizer_config.json"), false);
        ObjectNode tokenizer = object(folder.resolve("tokenizer.json"), true);
        TokenizerShape.require(tokenizer);
        if (config.path("split_special_tokens").asBoolean()) {
            throw new TokenizerException(
                    "tokenizer_config.json: split_special_tokens is true, supported is false; set it to false");
        }
        SpecialTokens special = SpecialTokens.read(
                config, object(folder.resolve("special_tokens_map.json"), false),
                object(folder.resolve("added_tokens.json"), false), tokenizer.path("padding"));
        TokenizerJson json = new TokenizerJson(tokenizer, special);
        TokenizerShape.requireApart(json.node());
        return new Read(new TokenizerFiles(folder, json.node(), config, special), json);
    }

    private static ObjectNode object(Path file, boolean required) {
        if (!Files.isRegularFile(file)) {
            if (required) {
                throw new TokenizerException(
                        file.getFileName() + " is missing in " + file.getParent()
                                + "; a model folder needs it beside config.json");
            }
            return JSON.createObjectNode();
        }
        try {
            if (JSON.readTree(Files.readAllBytes(file)) instanceof ObjectNode found) {
                return found;
            }
            throw new TokenizerException(file + " is not a JSON object");
        } catch (JsonProcessingException e) {
            throw new TokenizerException(file + " is no valid JSON: " + JsonProblem.located(e), e);
        } catch (IOException e) {
            throw new TokenizerException(file + " cannot be read (" + FileProblem.words(e) + ")",
                    e);
        }
    }

    private void put(String token, int id) {
        ids.put(token, id);
        if (token.length() == 6 && token.startsWith("<0x") && token.endsWith(">")) {
            byteIds.add(id);
        }
    }

    private void readAddedTokens(JsonNode tokenizer, Set<String> named) {
        for (JsonNode added : tokenizer.path("added_tokens")) {
            int id = added.path("id").asInt(NONE);
            String content = added.path("content").asText();
            ids.put(content, id);
            if (added.path("special").asBoolean(false)) {
                controlIds.add(id);
            }
            // An end of text ends a text, even one whose files let it be decoded like a word.
            if (controlIds.contains(id) || named.contains(content)) {
                controlTokens.put(content, id);
            }
            if (!added.path("normalized").asBoolean(false)) {
                literalTokens.put(content, id);
            }
        }
    }

    private void addIds(JsonNode value) {
        if (value.isInt()) {
            eosIds.add(value.intValue());
        }
        value.forEach(id -> addIds(id));
    }

    private int firstId(String role, JsonNode generation, JsonNode model, String field) {
        Integer id = ids.get(named.get(role));
        if (id != null) {
            return id;
        }
        for (JsonNode config : new JsonNode[] {generation, model}) {
            JsonNode value = config.path(field);
            JsonNode first = value.isArray() ? value.path(0) : value;
            if (first.isInt()) {
                return first.intValue();
            }
        }
        return NONE;
    }

    /** Returns whether bytes outside the vocabulary are decoded in runs of {@code <0xNN>} tokens. */
    boolean decodesByteRuns() {
        return decodesByteRuns;
    }

    SpaceCleanup cleanup() {
        return cleanup;
    }

    /** Returns the tokens that have a role, such as {@code eos_token}, by it. */
    Map<String, String> named() {
        return named;
    }

    /** Returns the tokens that are matched before a text is normalised, control tokens or not. */
    Map<String, Integer> literalTokens() {
        return literalTokens;
    }

    /** Returns the control tokens by their names. */
    Map<String, Integer> controlTokens() {
        return controlTokens;
    }

    Map<String, Integer> ids() {
        return ids;
    }

    Set<Integer> controlIds() {
        return controlIds;
    }

    Set<Integer> byteIds() {
        return byteIds;
    }

    SortedSet<Integer> eosIds() {
        return eosIds;
    }

    int eosId() {
        return eosId;
    }

    int bosId() {
        return bosId;
    }
}
