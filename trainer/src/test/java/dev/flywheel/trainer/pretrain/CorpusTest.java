package dev.flywheel.trainer.pretrain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
    private final Corpus corpus = new Corpus();

    private List<Document> documents(long seed, int count) {
        SeededRandom random = new SeededRandom(seed);
        List<Document> documents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            documents.add(corpus.next(random));
        }
        return documents;
    }

    @Test
    void textsFollowFromTheSeed() {
        assertThat(documents(1, 500)).isEqualTo(documents(1, 500));
        assertThat(documents(1, 500)).isNotEqualTo(documents(2, 500));
    }

    @Test
    void everySkillIsTaught() {
        Set<Skill> taught = EnumSet.noneOf(Skill.class);
        documents(3, 1000).forEach(document -> taught.add(document.skill()));
        assertThat(taught).containsExactlyInAnyOrder(Skill.values());
    }

    @Test
    void verdictsAreBalancedAndEndWithYesOrNo() {
        SeededRandom random = new SeededRandom(4);
        int yes = 0;
        for (int i = 0; i < 1000; i++) {
            Document verdict = corpus.plainVerdict(random);
            assertThat(verdict.prompt()).startsWith("Reader: ").endsWith("\nLikes:");
            yes += verdict.answer().equals(Prompts.YES) ? 1 : 0;
        }
        assertThat(yes).isBetween(430, 570);
    }

    @Test
    void aHistoryGivesEveryVerdictButTheLast() {
        SeededRandom random = new SeededRandom(6);
        for (int i = 0; i < 1000; i++) {
            Document history = corpus.givenHistory(random);
            long films = history.prompt().lines().filter(l -> l.startsWith("Film: ")).count();
            long given = history.prompt().lines().filter(l -> l.matches("Likes: (yes|no)")).count();
            assertThat(films).isBetween(2L, 21L).isEqualTo(given + 1);
            assertThat(history.prompt()).endsWith("\nLikes:");
            assertThat(history.answer()).isIn(Prompts.YES, Prompts.NO);
        }
    }

    @Test
    void aViewersVerdictsTellTheNextOne() {
        SeededRandom random = new SeededRandom(7);
        int agreed = 0;
        int counted = 0;
        for (int i = 0; i < 2000; i++) {
            Document history = corpus.givenHistory(random);
            long yes = history.prompt().lines().filter(l -> l.equals("Likes: yes")).count();
            long no = history.prompt().lines().filter(l -> l.equals("Likes: no")).count();
            if (yes != no) {
                counted++;
                agreed += (yes > no) == history.answer().equals(Prompts.YES) ? 1 : 0;
            }
        }
        assertThat((double) agreed / counted).isBetween(0.65, 0.95);
    }

    @Test
    void theBaseIsNeverToldWhatIsLeftToTeach() {
        List<String> told = documents(5, 40_000).stream().map(Document::text).toList();
        World world = corpus.world();
        assertThat(world.known()).hasSizeGreaterThan(300);
        assertThat(world.unknown()).hasSizeGreaterThan(20);
        Set<String> toldSet = Set.copyOf(told.stream().map(CorpusTest::untilTheAnswer).toList());
        for (WorldFact fact : world.unknown()) {
            for (String question : fact.questions()) {
                assertThat(toldSet).doesNotContain("Question: " + question);
            }
            for (String statement : fact.statements()) {
                assertThat(toldSet).doesNotContain("Fact: " + statement);
            }
        }
        for (WorldFact fact : world.known()) {
            assertThat(toldSet)
                    .doesNotContain("Question: " + fact.questions().get(fact.unseenQuestion()));
            assertThat(fact.seenQuestions())
                    .as("one of them is asked in so many texts")
                    .anyMatch(question -> toldSet.contains("Question: " + question));
        }
    }

    private static String untilTheAnswer(String text) {
        int answer = text.indexOf("\nAnswer:");
        return answer < 0 ? text : text.substring(0, answer);
    }

    @Test
    void aHeadlineDoesNotNameItsTopicAndTopicsShareNoNouns() {
        SeededRandom random = new SeededRandom(6);
        Topics topics = corpus.topics();
        assertThat(topics.all()).hasSizeGreaterThanOrEqualTo(12);
        List<String> nouns = topics.all().stream().flatMap(t -> t.nouns().stream()).toList();
        assertThat(nouns).doesNotHaveDuplicates();
        for (Topic topic : topics.all()) {
            assertThat(topics.headline(topic, random)).doesNotContain("{");
            assertThat(topics.named(topic.name())).isEqualTo(topic);
        }
    }

    @Test
    void piecesBreakWhereTokensBreak(@TempDir Path temp) throws IOException {
        BpeTrainer trainer = new BpeTrainer();
        List<Document> documents = documents(7, 2000);
        documents.forEach(document -> trainer.add(document.text()));
        trainer.train(1000, List.of(BpeVocabulary.END_OF_TEXT)).write(temp, 1024);
        try (Tokenizer tokenizer = Tokenizer.load(temp)) {
            BatchMaker maker = new BatchMaker(corpus, tokenizer, 1024, 0.2);
            for (Document document : documents.subList(0, 300)) {
                int[] whole = tokenizer.encodeWithoutSpecial(document.text());
                int[] pieces = maker.tokenized(document).ids();
                assertThat(pieces).startsWith(whole).hasSize(whole.length + 1).endsWith(0);
            }
            assertThat(tokenizer.encodeWithoutSpecial(Prompts.YES)).hasSize(1);
            assertThat(tokenizer.encodeWithoutSpecial(Prompts.NO)).hasSize(1);
        }
    }
}
