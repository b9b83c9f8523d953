package dev.flywheel.trainer.round;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The base's own texts, on which an adapter is held to the base's answers.
 *
 * <p>They lie beside the weights in {@code anchors.jsonl}, one {@code {"prompt": ..., "answer":
 * ...}} a line; a base without that file has none. Immutable; which are drawn follows from a seed
 * alone.
 */
public final class AnchorSet {
    private static final String FILE = "anchors.jsonl";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<Anchor> anchors;
    private final String fingerprint;

    private AnchorSet(List<Anchor> anchors, String fingerprint) {
        this.anchors = List.copyOf(anchors);
        this.fingerprint = fingerprint;
    }

    /** A base without anchors. */
    public static AnchorSet none() {
        return new AnchorSet(List.of(), "none");
    }

    /** Reads the anchors of a base model's folder. */
    public static AnchorSet load(Path baseFolder, Tokenizer tokenizer) throws IOException {
        Path file = baseFolder.resolve(FILE);
        if (!Files.exists(file)) {
            return none();
        }
        byte[] bytes = Files.readAllBytes(file);
        List<Anchor> anchors = new ArrayList<>();
        int number = 0;
        for (String line : new String(bytes, StandardCharsets.UTF_8).split("\n", -1)) {
            number++;
            if (!line.isBlank()) {
                anchors.add(parse(line, number, tokenizer));
            }
        }
        return new AnchorSet(anchors, Digest.of(bytes).hex().substring(0, 8));
    }

    public boolean isEmpty() {
        return anchors.isEmpty();
    }

    /** Returns what rounds with these anchors are bound to, bit for bit. */
    public String fingerprint() {
        return fingerprint;
    }

    /** Draws {@code count} anchors without repetition, or all there are. */
    public List<Anchor> draw(SeededRandom random, int count) {
        List<Anchor> left = new ArrayList<>(anchors);
        List<Anchor> drawn = new ArrayList<>();
        while (drawn.size() < count && !left.isEmpty()) {
            int at = random.nextInt(left.size());
            drawn.add(left.get(at));
            left.set(at, left.getLast());
            left.removeLast();
        }
        return drawn;
    }

    private static JsonNode node(String line, int number) throws IOException {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IOException(
                    FILE + " line " + number + " is no valid JSON: " + JsonProblem.text(e), e);
        }
    }

    private static Anchor parse(String line, int number, Tokenizer tokenizer) throws IOException {
        JsonNode node = node(line, number);
        JsonNode prompt = node.path("prompt");
        JsonNode answer = node.path("answer");
        if (!prompt.isTextual() || !answer.isTextual()) {
            throw new IOException(
                    FILE + " line " + number
                            + " lacks a prompt or an answer; each line is {\"prompt\": ..., \"answer\": ...}");
        }
        int[] promptIds = tokenizer.encode(prompt.textValue());
        return new Anchor(
                promptIds, new ExampleText(tokenizer).tokens(promptIds, answer.textValue()));
    }
}
