package dev.flywheel.trainer.pretrain;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A byte-level vocabulary, written in the form the Hugging Face tokenizers library reads.
 *
 * @param controlTokens first ids, never produced from a text
 * @param tokens the bytes and then the merged tokens, in the order learned
 * @param merges the pairs, in the order learned
 */
public record BpeVocabulary(
        List<String> controlTokens,
        List<String> tokens,
        List<String[]> merges) {
    /** The end of a text; also stands for its beginning where a field asks for one. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    public BpeVocabulary {
        controlTokens = List.copyOf(controlTokens);
        tokens = List.copyOf(tokens);
        merges = List.copyOf(merges);
    }

    public int size() {
        return controlTokens.size() + tokens.size();
    }

    /** Writes tokenizer.json and tokenizer_config.json. */
    public void write(Path folder, int positionsMax) throws IOException {
        Files.createDirectories(folder);
        Files.write(folder.resolve("tokenizer.json"), JSON.writeValueAsBytes(tokenizer()));
        Files.write(
                folder.resolve("tokenizer_config.json"),
                JSON.writeValueAsBytes(configuration(positionsMax)));
    }

    private ObjectNode tokenizer() {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putNull("truncation");
        root.putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (int id = 0; id < controlTokens.size(); id++) {
            addedToken(added.addObject().put("id", id), controlTokens.get(id));
        }
        root.putNull("normalizer");
        byteLevel(root.putObject("pre_tokenizer"));
        root.putNull("post_processor");
        byteLevel(root.putObject("decoder"));
        model(root.putObject("model"));
        return root;
    }

    private static void addedToken(ObjectNode token, String content) {
        token.put("content", content);
        token.put("single_word", false);
        token.put("lstrip", false);
        token.put("rstrip", false);
        token.put("normalized", false);
        token.put("special", true);
    }

    private static void byteLevel(ObjectNode part) {
        part.put("type", "ByteLevel");
        part.put("add_prefix_space", false);
        part.put("trim_offsets", true);
        part.put("use_regex", true);
    }

    private void model(ObjectNode model) {
        model.put("type", "BPE");
        model.putNull("dropout");
        model.putNull("unk_token");
        model.putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix");
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("ignore_merges", false);
        ObjectNode vocab = model.putObject("vocab");
        int id = 0;
        for (String token : controlTokens) {
            vocab.put(token, id++);
        }
        for (String token : tokens) {
            vocab.put(token, id++);
        }
        ArrayNode pairs = model.putArray("merges");
        merges.forEach(pair -> pairs.add(pair[0] + " " + pair[1]));
    }

    private ObjectNode configuration(int positionsMax) {
        ObjectNode config = JSON.createObjectNode();
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        config.put("add_prefix_space", false);
        config.put("bos_token", END_OF_TEXT);
        config.put("eos_token", END_OF_TEXT);
        config.put("pad_token", END_OF_TEXT);
        config.put("clean_up_tokenization_spaces", false);
        config.put("model_max_length", positionsMax);
        return config;
    }
}
