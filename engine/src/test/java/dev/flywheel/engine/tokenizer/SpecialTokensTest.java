package dev.flywheel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the files beside tokenizer.json change; each expectation is what transformers 5.18 does. */
class SpecialTokensTest {
    /** Ids: 0 {@code <s>} (put before a text), 1 to 3 letters and their merge, 4 {@code <x>} (no special one). */
    private static final String TOKENIZER =
            """
                    {"version": "1.0", "added_tokens": [
                      {"id": 0, "content": "<s>", "special": true, "normalized": false, "lstrip": false,
                       "rstrip": false, "single_word": false},
                      {"id": 4, "content": "<x>", "special": false, "normalized": false, "lstrip": false,
                       "rstrip": false, "single_word": false}],
                     "normalizer": null, "pre_tokenizer": null, "decoder": {"type": "Fuse"},
                     "post_processor": {"type": "TemplateProcessing",
                      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                 {"Sequence": {"id": "A", "type_id": 0}}],
                      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                      "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
                     "model": {"type": "BPE", "unk_token": null, "merges": [["a", "b"]],
                      "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3}}}""";

    @TempDir Path folder;

    private Tokenizer load(String config) throws Exception {
        Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
        Files.writeString(folder.resolve("tokenizer_config.json"), config);
        return Tokenizer.load(folder);
    }

    @Test
    void whatGoesAroundATextIsForTokenizerJsonToSay() throws Exception {
        try (Tokenizer tokenizer = load(
                """
                        {"bos_token": "<s>", "eos_token": "<x>", "add_bos_token": false, "add_eos_token": true}""")) {
            assertThat(tokenizer.encode("ab")).containsExactly(0, 3);
        }
    }

    @Test
    void tokensThatNothingHoldsGetTheNextIds() throws Exception {
        try (Tokenizer tokenizer = load(
                """
                        {"pad_token": "<pad>", "extra_special_tokens": ["<e>", "<x>"], "image_token": "<img>"}""")) {
            assertThat(tokenizer.encodeTemplate("<pad><img><e>a", false))
                    .containsExactly(5, 6, 7, 1);
            assertThat(tokenizer.decode(new int[] {5, 6, 7, 4})).isEqualTo("<x>");
            assertThat(tokenizer.namedTokens())
                    .containsEntry("image_token", "<img>")
                    .containsEntry("pad_token", "<pad>");
            assertThat(tokenizer.vocabSize()).isEqualTo(8);
        }
    }

    @Test
    void extraTokensMayHaveRolesOfTheModelsOwn() throws Exception {
        try (Tokenizer tokenizer =
                load("{\"extra_special_tokens\": {\"audio_token\": \"<audio>\"}}")) {
            assertThat(tokenizer.namedTokens()).containsEntry("audio_token", "<audio>");
            assertThat(tokenizer.encode("<audio>b")).as("spelled in a text")
                    .doesNotContain(5);
            assertThat(tokenizer.encodeTemplate("<audio>", false)).containsExactly(5);
        }
    }

    @Test
    void listedTokensBringTheirFlagsButWhatIsSpecialStaysSo() throws Exception {
        try (Tokenizer tokenizer = load(
                """
                        {"added_tokens_decoder": {"0": {"content": "<s>", "special": false},
                          "4": {"content": "<x>", "special": true, "rstrip": true},
                          "5": {"content": "<new>", "special": true}}}""")) {
            assertThat(tokenizer.decode(new int[] {0, 4, 5, 1})).isEqualTo("a");
            assertThat(tokenizer.encodeTemplate("<x>  a<new>", false)).containsExactly(4, 1, 5);
        }
    }

    @Test
    void olderFilesCountOnlyWhereTheConfigurationListsNoTokens() throws Exception {
        Files.writeString(folder.resolve("special_tokens_map.json"),
                "{\"eos_token\": {\"content\": \"<map>\"}, \"pad_token\": \"<x>\"}");
        Files.writeString(folder.resolve("added_tokens.json"), "{\"<old>\": 5}");
        try (Tokenizer tokenizer = load("{\"eos_token\": \"<s>\"}")) {
            assertThat(tokenizer.eosId()).isEqualTo(6);
            assertThat(tokenizer.namedTokens()).containsEntry("eos_token", "<map>")
                    .containsEntry("pad_token", "<x>");
            assertThat(tokenizer.encodeTemplate("<old><map>", false)).containsExactly(5, 6);
        }
        try (Tokenizer tokenizer =
                load("{\"eos_token\": \"<s>\", \"added_tokens_decoder\": {}}")) {
            assertThat(tokenizer.eosId()).isEqualTo(0);
            assertThat(tokenizer.namedTokens()).doesNotContainKey("pad_token");
            assertThat(tokenizer.vocabSize()).isEqualTo(5);
        }
    }

    @Test
    void aControlTokenThatMergesMakeIsNotMadeOfATextsCharacters() throws Exception {
        try (Tokenizer tokenizer = load("{\"eos_token\": \"ab\"}")) {
            assertThat(tokenizer.eosId()).isEqualTo(3);
            assertThat(tokenizer.encode("ab")).containsExactly(0, 1, 2);
            assertThat(tokenizer.encodeTemplate("ab", false)).containsExactly(3);
        }
    }

    @ParameterizedTest(name = "{0} is refused")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"eos_token\": 5} | eos_token is 5",
        "{\"eos_token\": {\"content\": null}} | eos_token is",
        "{\"extra_special_tokens\": \"<e>\"} | extra_special_tokens is \"<e>\"",
        "{\"extra_special_tokens\": [3]} | an entry of extra_special_tokens is 3",
        "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<e>\"}}} | the key 'x'",
        "{\"added_tokens_decoder\": [1]} | added_tokens_decoder is [1]",
        "{\"added_tokens_decoder\": {\"5\": \"<e>\"}} | added_tokens_decoder.5 is \"<e>\"",
        "{\"added_tokens_decoder\": {\"99\": {\"content\": \"<x>\"}}} | has id 4 in tokenizer.json but 99",
        "{\"added_tokens_decoder\": {\"700\": {\"content\": \"<e>\", \"special\": true}}} | '<e>' has id 700",
        "{\"split_special_tokens\": true} | split_special_tokens is true"})
    void whatIsNoTokenIsRefusedByName(String config, String named) {
        assertThatThrownBy(() -> load(config))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(named);
    }
}
