package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReadersTest {
    private static final List<String> TOPICS = names("topic");
    private final Readers readers = readers(TOPICS);

    @Test
    void noTwoGroupsShareATasteAndEveryTasteDrifts() {
        for (boolean drifted : new boolean[] {false, true}) {
            Set<String> tastes = new HashSet<>();
            IntStream.range(0, 6).forEach(group -> tastes.add(readers.taste(group, drifted)));
            assertThat(tastes).hasSize(6);
        }
        assertThat(IntStream.range(0, 6))
                .allSatisfy(group -> assertThat(readers.taste(group, true))
                        .isNotEqualTo(readers.taste(group, false)));
    }

    @Test
    void aReaderClicksWhatTheGroupLikesAndRarelyAnythingElse() {
        Readers.Reader reader = new Readers.Reader(2, "user", "context");

        assertThat(rate(reader, List.of(readers.taste(2, false), "topic0"))).isBetween(0.85, 0.97);
        assertThat(rate(reader, List.of("topic0", "topic1"))).isBetween(0.01, 0.1);
    }

    @Test
    void anIdIsTheReadersOwnAndSaysNothingOfTheGroup() {
        SplittableRandom random = new SplittableRandom(3);
        Map<Integer, Set<String>> ids = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            Readers.Reader reader = readers.draw(random);
            ids.computeIfAbsent(reader.group(), group -> new HashSet<>()).add(reader.user());
        }

        assertThat(ids).hasSize(6);
        assertThat(ids.values())
                .allSatisfy(ofGroup -> assertThat(ofGroup).hasSize(400)
                        .allMatch(id -> id.matches("reader-[0-9a-f]{16}"))
                        .extracting(id -> id.charAt("reader-".length()))
                        .hasSameElementsAs("0123456789abcdef".chars()
                                .mapToObj(digit -> (char) digit)
                                .toList()));
        assertThat(ids.values().stream().flatMap(Set::stream)).doesNotHaveDuplicates();
    }

    @Test
    void aReaderTakesThreeDrawsAndNoMore() {
        SplittableRandom random = new SplittableRandom(3);
        SplittableRandom same = new SplittableRandom(3);

        Readers.Reader reader = readers.draw(random);

        assertThat(reader.group()).isEqualTo(same.nextInt(6));
        same.nextInt(1);
        same.nextInt(400);
        assertThat(random.nextLong()).isEqualTo(same.nextLong());
    }

    @Test
    void candidatesHoldOneItemOfEachTopic() {
        assertThat(readers.candidates(new SplittableRandom(1)))
                .extracting(Readers.Item::topic)
                .containsExactlyInAnyOrderElementsOf(TOPICS);
    }

    @Test
    void fewerThanSixGroupsAreRefused() {
        assertThatThrownBy(
                () -> new Readers(1, List.of("a"), List.of("b"), List.of("c"), List.of()))
                .hasMessageContaining("at least 6 groups");
    }

    @Test
    void aTopicWithoutItemsIsRefusedByItsName() {
        assertThatThrownBy(() -> readers(TOPICS.subList(0, 5)))
                .hasMessageContaining("topic topic5 has no item");
    }

    /** Readers of all topics, with three items of each topic that is given. */
    private static Readers readers(List<String> withItems) {
        List<Readers.Item> items = new ArrayList<>();
        withItems.forEach(topic -> IntStream.range(0, 3)
                .forEach(i -> items.add(new Readers.Item(topic + i, topic, "text"))));
        return new Readers(1, names("group"), List.of("is 30"), TOPICS, items);
    }

    private double rate(Readers.Reader reader, List<String> slate) {
        SplittableRandom random = new SplittableRandom(5);
        return IntStream.range(0, 4000)
                .filter(i -> readers.click(reader, false, slate, random.split()) >= 0)
                .count()
                / 4000.0;
    }

    private static List<String> names(String prefix) {
        return IntStream.range(0, 6).mapToObj(i -> prefix + i).toList();
    }
}
