package dev.flywheel.app.cli;

import dev.flywheel.app.tool.Prompt;
import dev.flywheel.app.tool.PromptReader;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say what a model is to read. */
final class PromptOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "A text. May be repeated.") List<
            String> texts = new ArrayList<>();

    @Option(names = "--ids", paramLabel = "LIST",
            description = "Token ids, such as 1,2,3. May be repeated.") List<String> ids =
                    new ArrayList<>();

    @Option(names = "--chat", paramLabel = "FILE",
            description = {
                "A chat, as JSON: a list of messages, or an object with messages and whatever else the model's chat template"
                        + " takes (tools, documents, add_generation_prompt, ...). May be repeated."
            }) List<Path> chats = new ArrayList<>();

    @Option(names = "--input", paramLabel = "FILE",
            description = {
                "Many prompts, as JSON: a list of objects with text, ids or messages. One with a field adapter runs over that"
                        + " PEFT folder whatever --adapter says, or over the bare base if the field is null."
            })
    @Nullable Path input;

    @Option(names = "--no-special",
            description = "Leaves out the tokens that the tokenizer puts around a"
                    + " text, such as its beginning.") boolean noSpecial;

    @Option(names = "--allow-control",
            description = {
                "Lets control tokens spelled in texts and chats be control tokens. Without it they are text, as befits what"
                        + " users write."
            }) boolean allowControl;

    /** Fails on what can be told wrong before a model is looked at. */
    void check() {
        if (texts.isEmpty() && ids.isEmpty() && chats.isEmpty() && input == null) {
            throw UsageChecks.wrong(spec,
                    "nothing to read; give --prompt, --ids, --chat or --input");
        }
        ids.forEach(list -> UsageChecks.requireIds(spec, "--ids", list));
    }

    PromptReader reader(Path model) {
        return new PromptReader(model, !noSpecial, allowControl, ZonedDateTime::now);
    }

    /**
     * Returns all prompts: texts, then ids, then chats, then those of the file.
     *
     * @param adapter that they run over unless they name their own; null for the bare base
     */
    List<Prompt> read(PromptReader reader, @Nullable Path adapter) {
        List<Prompt> prompts = new ArrayList<>();
        texts.forEach(text -> prompts.add(reader.text(text).over(adapter)));
        ids.forEach(list -> prompts.add(PromptReader.ids(list).over(adapter)));
        chats.forEach(file -> prompts.add(reader.chat(file).over(adapter)));
        if (input != null) {
            prompts.addAll(reader.file(input, adapter));
        }
        return prompts;
    }
}
