package dev.flywheel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.random.SeededRandom;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpaceCleanupTest {
    private static final List<String> WORDS = List.of("it", "n", "'", "t", "s", "m", "ve", "re",
            "v", "r", "e", ".", ",", "?", "!", "##x", "##'", "##s", "[UNK]");

    @TempDir Path folder;

    /** A vocabulary of words, decoded with a space between any two. */
    private Tokenizer load(String config) throws Exception {
        StringBuilder vocab = new StringBuilder();
        for (String word : WORDS) {
            vocab.append(vocab.isEmpty() ? "" : ",")
                    .append("\"%s\": %d".formatted(word, WORDS.indexOf(word)));
        }
        Files.writeString(folder.resolve("tokenizer.json"),
                """
                        {"added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "BertPreTokenizer"},
                         "post_processor": null, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false},
                         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                          "max_input_chars_per_word": 100, "vocab": {%s}}}"""
                        .formatted(vocab));
        Files.writeString(folder.resolve("tokenizer_config.json"), config);
        return Tokenizer.load(folder);
    }

    @Test
    void spacesBeforePunctuationAndContractionsGoWhereTheConfigurationSaysSo() throws Exception {
        try (Tokenizer tokenizer = load("{\"clean_up_tokenization_spaces\": true}")) {
            int[] ids = tokenizer.encode("it 's, n't 've. it ' s ?");
            assertThat(tokenizer.decode(ids)).isEqualTo("it's,n't've. it's?");
        }
        try (Tokenizer tokenizer = load("{}")) {
            assertThat(tokenizer.decode(tokenizer.encode("it 's."))).isEqualTo("it ' s .");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void aStreamGivesTheCleanedText(long seed) throws Exception {
        try (Tokenizer tokenizer = load("{\"clean_up_tokenization_spaces\": true}")) {
            SeededRandom random = new SeededRandom(seed);
            for (int round = 0; round < 200; round++) {
                int[] ids = new int[1 + random.nextInt(12)];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = random.nextInt(WORDS.size());
                }
                StreamDecoder stream = tokenizer.streamDecoder();
                StringBuilder joined = new StringBuilder();
                for (int id : ids) {
                    joined.append(stream.push(id));
                }
                assertThat(joined.append(stream.finish()).toString())
                        .as("seed %d, ids %s", seed, java.util.Arrays.toString(ids))
                        .isEqualTo(tokenizer.decode(ids));
            }
        }
    }
}
