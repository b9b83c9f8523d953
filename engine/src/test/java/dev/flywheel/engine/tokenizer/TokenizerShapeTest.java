package dev.flywheel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files on which the native library would end this process, or be misread, are refused before it. */
class TokenizerShapeTest {
    private static final String VALID = """
            {"version":"1.0","added_tokens":[{"id":0,"content":"<s>","single_word":false,
            "lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":null,
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,
            "use_regex":true},"post_processor":{"type":"TemplateProcessing","single":[
            {"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
            "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
            "special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]}}},"decoder":null,
            "model":{"type":"BPE","unk_token":null,"continuing_subword_prefix":null,
            "vocab":{"<s>":0,"a":1,"b":2,"ab":3},"merges":[["a","b"]]}}""";

    @TempDir Path folder;

    @Test
    void theFileItselfIsSound() throws Exception {
        try (Tokenizer tokenizer = load(VALID)) {
            assertThat(tokenizer.encode("ab")).containsExactly(0, 3);
        }
    }

    @ParameterizedTest(name = "{0} as {1} is refused")
    @CsvSource(delimiter = '|', value = {
        "\"continuing_subword_prefix\":null | \"continuing_subword_prefix\":\"##longer\""
                + " | continuing_subword_prefix",
        "\"continuing_subword_prefix\":null | \"continuing_subword_prefix\":1e999"
                + " | continuing_subword_prefix",
        "{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}} | "
                + "{\"SpecialToken\":{\"id\":\"<t>\",\"type_id\":0}} | post_processor.single",
        "\"id\":\"<s>\",\"ids\" | \"id\":\"<t>\",\"ids\" | post_processor.single",
        "\"ids\":[0] | \"ids\":[0,1] | post_processor.single",
        "\"ids\":[0] | \"ids\":[4294967295] | special_tokens",
        "{\"id\":\"A\",\"type_id\":0}}] | {\"id\":\"B\",\"type_id\":0}}]"
                + " | post_processor.single",
        "\"id\":0,\"content\" | \"id\":-1,\"content\" | added_tokens",
        "\"special\":true | \"special\":\"yes\" | added_tokens: special",
        "\"normalizer\":null | \"normalizer\":{\"type\":\"Precompiled\"} | precompiled_charsmap is no text",
        "\"normalizer\":null | \"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"%%\"}"
                + " | precompiled_charsmap is no base64",
        "\"normalizer\":null | \"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////wAAAAA=\"}"
                + " | precompiled_charsmap is of a trie of 4294967295 bytes in 4",
        "\"normalizer\":null | \"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Precompiled\","
                + "\"precompiled_charsmap\":\"BAAAAAAEAAA=\"}]} | a trie that leads out of itself",
        "\"decoder\":null | \"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}"
                + " | decoder.stop is 1",
        "{\"type\":\"TemplateProcessing\" | {\"type\":\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"b\",2147483648]"
                + " | post_processor.cls",
        "\"ab\":3 | \"ab\":\"x\" | model.vocab"})
    void whatWouldEndTheProcessIsRefused(String valid, String broken, String named) {
        String text = VALID.replace("\n", "");
        assertThat(text).contains(valid);
        int at = text.indexOf(valid);
        String changed = text.substring(0, at) + broken + text.substring(at + valid.length());

        assertThatThrownBy(() -> load(changed))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(named);
    }

    @Test
    void tokensThatMayTakeTheSameWhiteSpaceAreRefused() throws Exception {
        String right = VALID.replace("\"rstrip\":false", "\"rstrip\":true");
        String both = right.replace("\"added_tokens\":[", """
                "added_tokens":[{"id":4,"content":"\\n","lstrip":true,"rstrip":false,
                "single_word":false,"normalized":false,"special":false},""");

        try (Tokenizer tokenizer = load(both
                .replace("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}")
                .replace("\"lstrip\":true,\"rstrip\":false", "\"lstrip\":true,\"rstrip\":true"))) {
            assertThat(tokenizer.encodeTemplate("<s> \n \n a", false))
                    .as("one that takes both sides overlaps with none")
                    .isNotEmpty();
        }
        assertThatThrownBy(() -> load(both))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("token \"<s>\" takes white space after it (rstrip)")
                .hasMessageContaining("\"\\n\" takes more before");
    }

    @Test
    void aTextThatTheVocabularyCannotSpellIsRefusedByNameAndNotInNativeWords() throws Exception {
        try (Tokenizer tokenizer =
                load(VALID.replace("\"unk_token\":null", "\"unk_token\":\"?\""))) {
            assertThatThrownBy(() -> tokenizer.encode("z"))
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("cannot encode");
        }
    }

    private Tokenizer load(String json) throws Exception {
        Files.writeString(folder.resolve("tokenizer.json"), json);
        return Tokenizer.load(folder);
    }
}
