package dev.flywheel.trainer.pretrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
    @TempDir Path temp;

    private static BpeVocabulary learned(int size) {
        Corpus corpus = new Corpus();
        SeededRandom random = new SeededRandom(3);
        BpeTrainer trainer = new BpeTrainer();
        for (int i = 0; i < 3000; i++) {
            trainer.add(corpus.next(random).text());
        }
        return trainer.train(size, List.of(BpeVocabulary.END_OF_TEXT));
    }

    @Test
    void theLibraryReadsItAndEveryTextComesBack() throws IOException {
        learned(700).write(temp, 1024);
        long seed = Long.getLong("flywheel.seed", 17);
        SeededRandom random = new SeededRandom(seed);
        try (Tokenizer tokenizer = Tokenizer.load(temp)) {
            assertThat(tokenizer.vocabSize()).isEqualTo(700);
            assertThat(tokenizer.eosId()).isZero();
            for (int i = 0; i < 300; i++) {
                String text = randomText(random);
                int[] ids = tokenizer.encode(text);
                assertThat(tokenizer.decode(ids)).as("seed " + seed + " text " + i).isEqualTo(text);
            }
        }
    }

    private static String randomText(SeededRandom random) {
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(40);
        int[] ranges = {0x80, 0x250, 0x3000, 0x10000, 0x110000};
        while (text.length() < length) {
            int codePoint = random.nextInt(ranges[random.nextInt(ranges.length)]);
            if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
                text.appendCodePoint(codePoint);
            }
        }
        return text.toString();
    }

    @Test
    void theSameTextsGiveTheSameFile(@TempDir Path other) throws IOException {
        learned(400).write(temp, 1024);
        learned(400).write(other, 1024);
        assertThat(Files.readString(temp.resolve("tokenizer.json")))
                .isEqualTo(Files.readString(other.resolve("tokenizer.json")));
    }

    @Test
    void mergesTheMostFrequentPairFirst() {
        BpeVocabulary vocabulary = new BpeTrainer().add("ab ab ab cd").train(258, List.of("<end>"));
        assertThat(vocabulary.merges().getFirst()).containsExactly("a", "b");
        assertThat(vocabulary.size()).isEqualTo(258);
    }

    @Test
    void saysWhenTheTextsAreTooFew() {
        assertThatThrownBy(() -> new BpeTrainer().add("a b").train(400, List.of()))
                .hasMessageContaining("add texts");
        assertThatThrownBy(() -> new BpeTrainer().train(100, List.of()))
                .hasMessageContaining("at least 256");
    }
}
