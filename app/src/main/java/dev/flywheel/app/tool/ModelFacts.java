package dev.flywheel.app.tool;

import dev.flywheel.adapters.safetensors.SafetensorsHeader;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.engine.chat.Chat;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.jinja.TemplateException;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.serving.rpc.VerdictTokens;
import dev.flywheel.serving.settings.RankSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a model folder holds.
 *
 * @param tensorTypes how many tensors each type has
 * @param verdict {@code ok}, or why no node with these settings of Rank serves the model
 * @param modules shapes [out, in] of what an adapter may change
 */
public record ModelFacts(
        String architecture,
        String digest,
        long parameters,
        long weightBytes,
        List<String> files,
        SortedMap<String, Integer> tensorTypes,
        ModelSpec spec,
        TokenizerFacts tokenizer,
        String verdict,
        SortedMap<String, List<Integer>> modules) {

    /**
     * What its tokenizer is.
     *
     * @param chatTemplates by name: {@code ok}, or why it is refused
     */
    public record TokenizerFacts(
            int vocabSize,
            int bosId,
            int eosId,
            List<Integer> eosIds,
            Map<String, String> chatTemplates) {}

    /** Reads the folder, its weights and its tokenizer; what the engine refuses, this refuses. */
    public static ModelFacts of(Path folder, BaseModel model, RankSettings rank) {
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            return of(folder, model, tokenizer, rank);
        }
    }

    private static ModelFacts of(Path folder, BaseModel model, Tokenizer tokenizer,
            RankSettings rank) {
        long parameters = 0;
        long bytes = 0;
        SortedMap<String, Integer> types = new TreeMap<>();
        List<String> files = new ArrayList<>();
        for (Path file : weightFiles(folder)) {
            files.add(String.valueOf(file.getFileName()));
            SafetensorsHeader header =
                    SafetensorsHeader.read(file, SafetensorsHeader.BASE_HEADER_BYTES_MAX);
            for (TensorEntry tensor : header.tensors().values()) {
                parameters += tensor.elements();
                bytes += tensor.end() - tensor.begin();
                types.merge(tensor.type().name(), 1, Integer::sum);
            }
        }
        SortedMap<String, List<Integer>> modules = new TreeMap<>();
        model.linearModules()
                .forEach((name, shape) -> modules.put(
                        name, List.of(shape.outFeatures(), shape.inFeatures())));
        return new ModelFacts(
                model.spec().family().architecture(), model.digest().hex(), parameters, bytes,
                files,
                types, model.spec(), tokenizer(folder, tokenizer), verdict(tokenizer, model, rank),
                modules);
    }

    static List<Path> weightFiles(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
            List<Path> single = all.stream()
                    .filter(file -> file.getFileName().toString().equals("model.safetensors"))
                    .toList();
            return single.isEmpty() ? all : single;
        } catch (IOException e) {
            throw new ToolException("model folder " + folder + " cannot be listed", e);
        }
    }

    private static String verdict(Tokenizer tokenizer, BaseModel model, RankSettings rank) {
        try {
            var unused = VerdictTokens.of(tokenizer, model.spec(), rank);
            return "ok";
        } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static TokenizerFacts tokenizer(Path folder, Tokenizer tokenizer) {
        ChatTemplates templates = ChatTemplates.load(folder, tokenizer, ZonedDateTime::now);
        Map<String, String> states = new LinkedHashMap<>();
        for (String name : templates.names()) {
            states.put(name, state(templates, name));
        }
        return new TokenizerFacts(tokenizer.vocabSize(), tokenizer.bosId(), tokenizer.eosId(),
                List.copyOf(tokenizer.eosIds()), states);
    }

    private static String state(ChatTemplates templates, String name) {
        try {
            var unused = templates.render(
                    Chat.of(List.of(Map.of("role", "user", "content", "Hi"))), name);
            return "ok";
        } catch (TemplateException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
