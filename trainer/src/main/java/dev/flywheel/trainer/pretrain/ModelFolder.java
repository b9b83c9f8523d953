package dev.flywheel.trainer.pretrain;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The files of a model folder that describe rather than compute. */
final class ModelFolder {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private ModelFolder() {}

    static void writeGenerationConfig(Path folder) throws IOException {
        ObjectNode config = JSON.createObjectNode();
        config.put("bos_token_id", 0);
        config.put("eos_token_id", 0);
        config.put("do_sample", false);
        write(folder, "generation_config.json", config);
    }

    /** Writes pretrain.json for programs and README.md, the model card, for people. */
    static void writeReport(Path folder, PretrainReport report) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.put("command", report.command());
        root.put("parameters", report.parameters());
        root.put("tokens", report.end().tokens());
        root.put("seconds", rounded(report.end().elapsedSeconds(), 1));
        root.put("final_loss", rounded(report.end().loss(), 4));
        ObjectNode marks = root.putObject("held_out");
        report.marks().forEach(mark -> marks.put(mark.name(), rounded(mark.value(), 4)));
        root.set("settings", JSON.valueToTree(report.settings()));
        ArrayNode losses = root.putArray("losses");
        report.losses()
                .forEach(
                        point -> losses.addObject()
                                .put("step", point.step())
                                .put("loss", rounded(point.loss(), 4)));
        write(folder, "pretrain.json", root);
        Files.writeString(folder.resolve("README.md"), card(report), StandardCharsets.UTF_8);
    }

    private static String card(PretrainReport report) {
        StringBuilder marks = new StringBuilder();
        report.marks()
                .forEach(
                        mark -> marks.append(
                                String.format(
                                        Locale.ROOT,
                                        "| %s | %.3f |%n",
                                        mark.name().replace('_', ' '),
                                        mark.value())));
        return """
                # flywheel-base

                The built-in base of Flywheel: a Llama of %,d parameters (bf16, tied embeddings) and its byte-level
                tokenizer, both made by

                    %s

                from texts that the command generates itself; no outside data. It knows an invented world and a
                few formats and is no use beyond them: it is there so that adapters have something to steer.

                Formats (each prompt ends where the answer begins; an answer begins with a space and ends with
                the end-of-text token):

                    Reader: works as a baker, enjoys stories about the sea
                    Text: Diver anchors beside the salty lighthouse
                    Likes: yes

                    Question: What colour is the Kestrel?
                    Answer: red

                    Passage: Jack keeps a goat. Cora keeps a dog.
                    Question: What is the pet of Jack?
                    Answer: goat

                    Film: Silent Harbor, The (1987) (Drama, War)
                    Likes: no
                    Film: Lucky Dancer (1999) (Comedy, Musical)
                    Likes: yes

                Seed %d, %,d steps, %,d tokens, %.0f s, final loss %.3f. On held-out texts, through the serving
                forward pass:

                | what | value |
                |---|---|
                %s
                `pretrain.json` holds every setting and the losses on the way; `anchors.jsonl` prompts whose answers
                rounds hold still while they learn a correction. Licence: Apache-2.0, as the code that made it.
                """
                .formatted(
                        report.parameters(),
                        report.command(),
                        report.settings().seed(),
                        report.end().step(),
                        report.end().tokens(),
                        report.end().elapsedSeconds(),
                        report.end().loss(),
                        marks);
    }

    private static double rounded(double value, int digits) {
        double unit = Math.pow(10, digits);
        return Math.rint(value * unit) / unit;
    }

    private static void write(Path folder, String name, ObjectNode content) throws IOException {
        Files.write(
                folder.resolve(name),
                (JSON.writeValueAsString(content) + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
