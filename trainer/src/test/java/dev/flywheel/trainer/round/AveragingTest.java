package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.VerdictObjective;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AveragingTest {
    @Test
    void everyUserHasTheSameShareAndAllSharesSumToOne() {
        List<PreparedExample> examples = Stream.of("a", "b", "b", "b", "").map(this::by).toList();
        Averaging averaging = new Averaging(examples);
        assertThat(averaging.users()).isEqualTo(3);
        assertThat(averaging.share(examples.get(0))).isCloseTo(1.0 / 3, within(1e-12));
        assertThat(averaging.share(examples.get(1))).isCloseTo(1.0 / 9, within(1e-12));
        assertThat(examples.stream().mapToDouble(averaging::share).sum())
                .isCloseTo(1, within(1e-12));
    }

    @Test
    void whatAVerdictWeighsDoesNotDependOnHowManyOthersClicked() {
        PreparedExample silence = verdictBy("a", "slate");
        double alone = new Averaging(List.of(silence)).share(silence);
        List<PreparedExample> more = new ArrayList<>(List.of(silence));
        for (int user = 0; user < 30; user++) {
            more.add(verdictBy("late" + user, "slate" + user));
        }
        Averaging averaging = new Averaging(more);
        assertThat(more).allSatisfy(
                each -> assertThat(averaging.share(each)).isEqualTo(alone));
        assertThat(averaging.users()).isEqualTo(31);
    }

    @Test
    void allThatOneUserTookOrNotWeighsWhatOneSlateDoes() {
        List<PreparedExample> slates =
                Stream.of("one", "two", "two").map(slate -> verdictBy("a", slate)).toList();
        Averaging averaging = new Averaging(slates);
        double single = new Averaging(slates.subList(0, 1)).share(slates.getFirst());
        assertThat(slates).allSatisfy(
                each -> assertThat(averaging.share(each)).isEqualTo(single / 2));
    }

    @Test
    void allItemsOfALongSlateWeighWhatThoseOfAUsualOneDo() {
        PreparedExample usual = verdictOf(Averaging.ITEMS_USUAL);
        PreparedExample tenTimes = verdictOf(10 * Averaging.ITEMS_USUAL);
        double share = new Averaging(List.of(usual)).share(usual);
        assertThat(new Averaging(List.of(tenTimes)).share(tenTimes)).isEqualTo(share / 10);
        assertThat(List.of(verdictOf(1), verdictOf(0))).allSatisfy(
                each -> assertThat(new Averaging(List.of(each)).share(each)).isEqualTo(share));
    }

    @Test
    void aLongSlateThatComesInTwoExamplesWeighsNoMoreThanInOne() {
        PreparedExample click = verdictOf(40, "long");
        PreparedExample silence = verdictOf(40, "long");
        PreparedExample other = verdictOf(1, "short");
        Averaging averaging = new Averaging(List.of(click, silence, other));
        assertThat(averaging.share(silence)).isEqualTo(averaging.share(click));
        assertThat(40 * averaging.share(click)).isCloseTo(
                Averaging.ITEMS_USUAL * averaging.share(other), within(1e-12));
    }

    private PreparedExample verdictOf(int items, String slate) {
        return verdictOf(Example.newBuilder()
                .setUser("a")
                .setImpressionId(slate)
                .setSlateItems(items)
                .build());
    }

    private PreparedExample verdictOf(int items) {
        return verdictOf(Example.newBuilder().setUser("a").setSlateItems(items).build());
    }

    private PreparedExample verdictBy(String user, String slate) {
        return verdictOf(Example.newBuilder().setUser(user).setImpressionId(slate).build());
    }

    private PreparedExample verdictOf(Example example) {
        PackedBatch.Builder rows = PackedBatch.builder();
        rows.segment(new int[] {1});
        return new PreparedExample.Verdict(
                example,
                rows.build(),
                new OptionTerms(1, new int[] {0}, new double[] {1}),
                0,
                true,
                new VerdictObjective(0));
    }

    private PreparedExample by(String user) {
        PackedBatch.Builder rows = PackedBatch.builder();
        rows.segment(new int[] {1});
        return new PreparedExample.Text(
                Example.newBuilder().setUser(user).build(), rows.build(), new double[0]);
    }
}
