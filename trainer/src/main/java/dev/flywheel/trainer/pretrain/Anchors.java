package dev.flywheel.trainer.pretrain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.random.SeededRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Prompts whose answers a correction must leave alone: a sample of what the base knows, in the model
 * folder as {@value #FILE}, one JSON object with {@code skill}, {@code prompt} and {@code answer} a
 * line.
 */
public final class Anchors {
    /** The file's name in a model folder. */
    public static final String FILE = "anchors.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PER_WORLD_SKILL = 220;
    private static final int PER_OTHER_SKILL = 70;

    private Anchors() {}

    /**
     * One prompt.
     *
     * @param prompt in a format of {@link Prompts}, up to where the answer begins
     * @param answer with its leading space
     */
    public record Anchor(String skill, String prompt, String answer) {}

    static void write(Path file, Corpus corpus, SeededRandom random) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (Skill skill : List.of(Skill.FACT, Skill.READING, Skill.TOPIC, Skill.VERDICT,
                Skill.HISTORY)) {
            int count = skill == Skill.FACT ? PER_WORLD_SKILL : PER_OTHER_SKILL;
            for (int written = 0; written < count;) {
                Document document = corpus.asked(skill, random);
                if (document.pieces().size() > 1) {
                    Anchor anchor =
                            new Anchor(skill.name(), document.prompt(), document.answer());
                    lines.append(JSON.writeValueAsString(anchor)).append('\n');
                    written++;
                }
            }
        }
        Files.writeString(file, lines);
    }

    /** Reads a file of anchors, ours or an operator's own. */
    public static List<Anchor> read(Path file) throws IOException {
        List<Anchor> anchors = new ArrayList<>();
        int number = 0;
        for (String line : Files.readAllLines(file)) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            JsonNode node = JSON.readTree(line);
            if (!node.path("prompt").isTextual() || !node.path("answer").isTextual()) {
                throw new IOException(
                        file.getFileName() + " line " + number
                                + " lacks prompt or answer; expected"
                                + " {\"prompt\": \"...\", \"answer\": \" ...\"}");
            }
            anchors.add(
                    new Anchor(
                            node.path("skill").asText(""),
                            node.path("prompt").textValue(),
                            node.path("answer").textValue()));
        }
        return anchors;
    }
}
