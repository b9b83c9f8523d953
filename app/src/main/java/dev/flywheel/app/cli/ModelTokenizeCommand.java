package dev.flywheel.app.cli;

import dev.flywheel.app.local.StartException;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.app.tool.PromptReader;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts and chats to token ids, and back. */
@Command(
        name = "tokenize",
        mixinStandardHelpOptions = true,
        description = {
            "Turns texts and chats into token ids, and ids into text. Needs only the tokenizer's files.",
            "Control tokens that a text spells stay text unless --allow-control is given."
        })
final class ModelTokenizeCommand implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "DIR",
            description = "Folder with a tokenizer.json. Default: the built-in model.") private @Nullable Path model;

    @Mixin private PromptOptions prompts = new PromptOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /**
     * One text.
     *
     * @param tokens each id's own text
     * @param offsets begin and end of each token in the text, in characters; null for ids and chats
     * @param decoded the text of the ids without control tokens
     * @param decodedWithControl the text of the ids with them
     */
    record Tokens(
            @Nullable String text,
            int[] ids,
            List<String> tokens,
            int @Nullable [][] offsets,
            String decoded,
            String decodedWithControl) {}

    @Override
    public Integer call() {
        prompts.check();
        Path folder = folder();
        PromptReader reader = prompts.reader(folder);
        try (Tokenizer tokenizer = reader.tokenizer()) {
            List<Tokens> all = new ArrayList<>();
            List<Prompt> read = prompts.read(reader, null);
            for (int i = 0; i < read.size(); i++) {
                all.add(tokens(tokenizer, read.get(i), i < prompts.texts.size()));
            }
            output.print(all, all.stream()
                    .map(one -> Arrays.toString(one.ids()) + "\n" + one.tokens())
                    .collect(Collectors.joining("\n")));
            return 0;
        }
    }

    private Tokens tokens(Tokenizer tokenizer, Prompt prompt, boolean plainText) {
        int[] ids = prompt.ids();
        for (int id : ids) {
            if (id >= tokenizer.vocabSize()) {
                throw new StartException("token id %d is not in the tokenizer, which has 0 to %d"
                        .formatted(id, tokenizer.vocabSize() - 1));
            }
        }
        String text = prompt.text();
        int[][] offsets = plainText && text != null
                ? tokenizer.offsets(text, !prompts.noSpecial, prompts.allowControl)
                : null;
        List<String> tokens = Arrays.stream(ids)
                .mapToObj(id -> tokenizer.decode(new int[] {id}, false))
                .toList();
        return new Tokens(text, ids, tokens, offsets, tokenizer.decode(ids),
                tokenizer.decode(ids, false));
    }

    private Path folder() {
        if (model == null) {
            return ModelFolder.find(null);
        }
        if (!Files.isRegularFile(model.resolve("tokenizer.json"))) {
            throw new StartException(
                    "folder %s has no tokenizer.json; give a Hugging Face folder with --model"
                            .formatted(model));
        }
        return model;
    }
}
