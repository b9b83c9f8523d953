package dev.flywheel.serving.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    private static final SchedulerLimits LIMITS = new SchedulerLimits(32, 8, 16, 4096, 12, 64, 16);

    private final Scheduler scheduler = new Scheduler(LIMITS);
    private final Map<SequenceGroup, Integer> grown = new HashMap<>();

    @Test
    void decodeRowsComeBeforePrefillChunks() {
        SequenceGroup talking = growing("a", 4, 10);
        scheduler.offer(talking);
        run(scheduler.plan());
        talking.stem().append(7);
        scheduler.offer(growing("b", 100, 10));

        List<Slice> plan = scheduler.plan();

        assertThat(plan).hasSize(2);
        assertThat(plan.get(0).group()).isSameAs(talking);
        assertThat(plan.get(0).tokens()).containsExactly(7);
        assertThat(plan.get(1).count()).isEqualTo(31);
        assertThat(plan.get(1).last()).isFalse();
    }

    @Test
    void branchesStartAfterTheWholeStemAndShareOneStep() {
        SequenceGroup rank = SequenceGroup.branching("a", tokens(40),
                List.of(tokens(5), tokens(6), tokens(7)));
        scheduler.offer(rank);
        assertThat(run(scheduler.plan())).extracting(Slice::sequence).containsExactly(rank.stem());
        assertThat(run(scheduler.plan())).extracting(Slice::sequence).containsExactly(rank.stem());

        List<Slice> plan = run(scheduler.plan());

        assertThat(plan).extracting(Slice::sequence)
                .containsExactlyElementsOf(rank.branches());
        assertThat(plan).extracting(Slice::count).containsExactly(5, 6, 7);
        assertThat(plan).allMatch(Slice::last);
        assertThat(scheduler.plan()).isEmpty();
    }

    @Test
    void aFullQueueRefusesAndRoomReturnsWhenAGroupEnds() {
        List<SequenceGroup> accepted = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            accepted.add(growing("t" + i, 1, 1));
            assertThat(scheduler.offer(accepted.get(i))).isEqualTo(Admission.ACCEPTED);
        }
        assertThat(scheduler.offer(growing("late", 1, 1))).isEqualTo(Admission.QUEUE_FULL);
        scheduler.end(accepted.get(3));
        assertThat(scheduler.offer(growing("late", 1, 1))).isEqualTo(Admission.ACCEPTED);
    }

    @Test
    void theQueueIsBoundedInTokensToo() {
        Scheduler narrow = new Scheduler(new SchedulerLimits(32, 8, 16, 100, 12, 64, 16));
        assertThat(narrow.offer(growing("a", 50, 10))).isEqualTo(Admission.ACCEPTED);
        assertThat(narrow.offer(growing("b", 40, 1))).isEqualTo(Admission.QUEUE_FULL);
        assertThat(narrow.offer(growing("b", 40, 0))).isEqualTo(Admission.ACCEPTED);
    }

    @Test
    void oneTenantCannotTakeTheWholeQueue() {
        for (int i = 0; i < 12; i++) {
            assertThat(scheduler.offer(growing("greedy", 1, 1))).isEqualTo(Admission.ACCEPTED);
        }
        assertThat(scheduler.offer(growing("greedy", 1, 1))).isEqualTo(Admission.TENANT_FULL);
        assertThat(scheduler.offer(growing("other", 1, 1))).isEqualTo(Admission.ACCEPTED);
    }

    @Test
    void whatNeverFitsIntoTheCacheIsRefusedAtOnce() {
        assertThat(scheduler.offer(growing("a", 1000, 25))).isEqualTo(Admission.TOO_LARGE);
        assertThat(scheduler.offer(growing("a", 1000, 24))).isEqualTo(Admission.ACCEPTED);
    }

    @Test
    void aBranchCostsItsOwnBlocksAndACopyOfTheStemsLast() {
        SequenceGroup group = SequenceGroup.branching("a", tokens(20),
                List.of(tokens(12), tokens(13), tokens(0)));
        // Stem 20 of 16: 2 blocks. 4 copied + 12 = 16: 1 block. 4 + 13 = 17: 2. Nothing: 0.
        assertThat(group.blocks(16)).isEqualTo(5);
    }

    @Test
    void admissionWaitsForBlocksWithoutLettingSmallerOnesPass() {
        SequenceGroup first = growing("a", 500, 12);
        SequenceGroup large = growing("b", 600, 0);
        SequenceGroup small = growing("c", 1, 1);
        scheduler.offer(first);
        run(scheduler.plan());
        scheduler.offer(large);
        scheduler.offer(small);
        run(scheduler.plan());
        assertThat(scheduler.running()).isEqualTo(1);

        scheduler.end(first);
        scheduler.plan();

        assertThat(scheduler.running()).isEqualTo(2);
        assertThat(scheduler.blocksReserved()).isEqualTo(38 + 1);
    }

    @Test
    void aTenantWithOneRequestIsNotBehindAllOfATenantWithMany() {
        List<SequenceGroup> many = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            many.add(growing("many", 96, 1));
            scheduler.offer(many.get(i));
        }
        run(scheduler.plan());
        SequenceGroup single = growing("one", 96, 1);
        scheduler.offer(single);

        scheduler.end(many.get(0));
        scheduler.plan();

        assertThat(scheduler.waiting()).as("four of the many still wait").isEqualTo(4);
        assertThat(scheduler.running()).isEqualTo(8);
    }

    @Test
    void tenantsTakeTurnsByTokensNotByRequests() {
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            scheduler.offer(growing("large", 96, 1));
        }
        for (int i = 0; i < 9; i++) {
            scheduler.offer(growing("small", 32, 1));
        }
        for (int i = 0; i < 4; i++) {
            run(scheduler.plan()).forEach(slice -> order.add(slice.group().tenant()));
        }
        assertThat(order).containsExactly("large", "large", "large", "small");
        assertThat(scheduler.running()).isEqualTo(8);
        assertThat(scheduler.waiting()).as("2 large and 6 small were admitted").isEqualTo(5);
    }

    @Test
    void endingAGroupTwiceChangesNothing() {
        SequenceGroup group = growing("a", 10, 5);
        scheduler.offer(group);
        scheduler.plan();
        scheduler.end(group);
        scheduler.end(group);
        assertThat(scheduler.blocksReserved()).isZero();
        assertThat(scheduler.waiting()).isZero();
        assertThat(scheduler.running()).isZero();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyLoadStaysInsideTheLimitsAndIsReadExactlyOnce(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<SequenceGroup> live = new ArrayList<>();
        Map<Sequence, Integer> read = new HashMap<>();
        for (int step = 0; step < 2_000; step++) {
            if (random.nextInt(3) == 0) {
                SequenceGroup group = random(random);
                if (scheduler.offer(group) == Admission.ACCEPTED) {
                    live.add(group);
                }
            }
            List<Slice> plan = scheduler.plan();
            assertThat(plan.stream().mapToInt(Slice::count).sum()).isLessThanOrEqualTo(32);
            assertThat(scheduler.blocksReserved()).isLessThanOrEqualTo(64);
            assertThat(scheduler.running()).isLessThanOrEqualTo(8);
            if (plan.isEmpty()) {
                assertThat(scheduler.waiting()).isZero();
            }
            for (Slice slice : plan) {
                assertThat(slice.from()).isEqualTo(read.getOrDefault(slice.sequence(), 0));
                read.merge(slice.sequence(), slice.count(), Integer::sum);
            }
            run(plan);
            live.removeIf(group -> finish(group, random));
        }
        live.forEach(scheduler::end);
        assertThat(scheduler.blocksReserved()).isZero();
        assertThat(scheduler.tokensWaiting()).isZero();
    }

    @Test
    void limitsThatCannotWorkAreRefusedByName() {
        assertThatThrownBy(() -> new SchedulerLimits(8, 5, 1, 1, 1, 1, 1))
                .hasMessageStartingWith("requestsRunningMax is 5");
        assertThatThrownBy(() -> new SchedulerLimits(8, 1, 1, 1, 1, 0, 1))
                .hasMessage("blocks is 0, must be at least 1");
    }

    private boolean finish(SequenceGroup group, SplittableRandom random) {
        boolean done = group.stem().pending() == 0
                && group.branches().stream().allMatch(branch -> branch.pending() == 0);
        if (done && group.branches().isEmpty() && random.nextInt(4) > 0
                && grown.merge(group, 1, Integer::sum) <= group.decodeMax()) {
            group.stem().append(1);
            return false;
        }
        if (done || random.nextInt(100) == 0) {
            scheduler.end(group);
            return true;
        }
        return false;
    }

    private static SequenceGroup random(SplittableRandom random) {
        String tenant = "t" + random.nextInt(4);
        if (random.nextBoolean()) {
            return growing(tenant, 1 + random.nextInt(80), random.nextInt(20));
        }
        List<int[]> branches = new ArrayList<>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            branches.add(tokens(random.nextInt(30)));
        }
        return SequenceGroup.branching(tenant, tokens(1 + random.nextInt(60)), branches);
    }

    private List<Slice> run(List<Slice> plan) {
        plan.forEach(scheduler::complete);
        return plan;
    }

    private static SequenceGroup growing(String tenant, int prompt, int tokensMax) {
        return SequenceGroup.growing(tenant, tokens(prompt), tokensMax);
    }

    private static int[] tokens(int count) {
        return new int[count];
    }
}
