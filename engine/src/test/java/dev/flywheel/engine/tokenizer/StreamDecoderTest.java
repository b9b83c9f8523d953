package dev.flywheel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.random.SeededRandom;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pieces of random ids join to what the ids are decoded to as a whole, for every kind of tokenizer. */
class StreamDecoderTest {
    private static final String BYTES =
            "\"<0xE6>\", \"<0x97>\", \"<0xA5>\", \"<0xF0>\", \"<0x9F>\", \"<0x98>\","
                    + " \"<0x80>\", \"<0x0A>\", \"<0x41>\"";

    @TempDir Path folder;

    private static Stream<Arguments> kinds() {
        String metaspace = "{\"type\": \"Metaspace\", \"replacement\": \"\u2581\","
                + " \"prepend_scheme\": \"always\", \"split\": true}";
        String bytes = "{\"type\": \"ByteFallback\"}";
        return Stream.of(
                Arguments.of("Unigram with bytes", "Unigram",
                        "{\"type\": \"Sequence\", \"decoders\": [" + bytes + ", " + metaspace
                                + "]}"),
                Arguments.of("Unigram that strips", "Unigram",
                        "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": {\"String\": \"\u2581\"},"
                                + " \"content\": \" \"}, " + bytes
                                + ", {\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}]}"),
                Arguments.of("BPE with byte letters", "BPE",
                        "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}"),
                Arguments.of("BPE with ends of words", "BPE",
                        "{\"type\": \"BPEDecoder\", \"suffix\": \"</w>\"}"),
                Arguments.of("WordLevel", "WordLevel", "null"),
                Arguments.of("WordPiece", "WordPiece",
                        "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void piecesJoinToTheWhole(String name, String model, String decoder) throws Exception {
        try (Tokenizer tokenizer = load(model, decoder)) {
            for (long seed = 1; seed <= 300; seed++) {
                SeededRandom random = new SeededRandom(seed);
                int[] ids = new int[1 + random.nextInt(40)];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = random.nextInt(tokenizer.vocabSize());
                }
                StreamDecoder stream = tokenizer.streamDecoder();
                StringBuilder joined = new StringBuilder();
                for (int id : ids) {
                    String piece = stream.push(id);
                    assertThat(piece.isEmpty() || !Character
                            .isHighSurrogate(piece.charAt(piece.length() - 1)))
                            .as("%s, seed %d: a piece ends inside a character", name, seed)
                            .isTrue();
                    joined.append(piece);
                }
                assertThat(joined.append(stream.finish()).toString())
                        .as("%s, seed %d, ids %s", name, seed, Arrays.toString(ids))
                        .isEqualTo(tokenizer.decode(ids));
            }
        }
    }

    private Tokenizer load(String model, String decoder) throws Exception {
        String[] pieces =
                ("\"<unk>\", \"<s>\", \"\u2581\", \"a\", \"\u2581b\", \"c</w>\", \"##d\", \"e .\", \"'\", \"\u0120x\","
                        + " \"\u00e6\", \"\u0139\", \"\u00a5\", \"\u00f0\", \"\u0141\", \"\u013a\", \"\u0122\", \"\u65e5\", \"\ud83d\ude00\", "
                        + BYTES).split(", ?", -1);
        StringBuilder vocabulary = new StringBuilder();
        boolean list = model.equals("Unigram");
        for (int id = 0; id < pieces.length; id++) {
            vocabulary.append(id == 0 ? "" : ", ")
                    .append((list ? "[%s, -%d]" : "%s: %d").formatted(pieces[id].strip(), id));
        }
        String rest = switch (model) {
            case "Unigram" -> "\"unk_id\": 0, \"byte_fallback\": true";
            case "BPE" -> "\"merges\": [], \"byte_fallback\": true, \"unk_token\": \"<unk>\"";
            case "WordPiece" ->
                "\"unk_token\": \"<unk>\", \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100";
            default -> "\"unk_token\": \"<unk>\"";
        };
        Files.writeString(folder.resolve("tokenizer.json"),
                """
                        {"added_tokens": [{"id": 1, "content": "<s>", "special": true, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false}],
                         "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": %s,
                         "model": {"type": "%s", %s, "vocab": %s}}"""
                        .formatted(decoder, model, rest,
                                list ? "[" + vocabulary + "]" : "{" + vocabulary + "}"));
        return Tokenizer.load(folder);
    }
}
