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
        run(step());
        talking.stem().append(7);
        scheduler.offer(growing("b", 100, 10));

        List<Slice> plan = step();

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
        assertThat(run(step())).extracting(Slice::sequence).containsExactly(rank.stem());
        assertThat(run(step())).extracting(Slice::sequence).containsExactly(rank.stem());

        List<Slice> plan = run(step());

        assertThat(plan).extracting(Slice::sequence)
                .containsExactlyElementsOf(rank.branches());
        assertThat(plan).extracting(Slice::count).containsExactly(5, 6, 7);
        assertThat(plan).allMatch(Slice::last);
        assertThat(step()).isEmpty();
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
    void whatTheNextStepTakesUpDoesNotWait() {
        for (int i = 0; i < 7; i++) {
            scheduler.offer(growing("a", 20, 10));
        }
        assertThat(scheduler.stepsBefore(growing("b", 20, 10))).isZero();
        scheduler.offer(growing("a", 20, 10));
        run(step());
        assertThat(scheduler.stepsBefore(growing("b", 20, 10))).isPositive();
    }

    @Test
    void whatIsLargerThanTheCacheWaitsForNothing() {
        assertThat(scheduler.stepsBefore(growing("a", 20, 100_000))).isZero();
    }

    @Test
    void whatWaitsBeginsWhenWhatRunsEnds() {
        Scheduler two = new Scheduler(new SchedulerLimits(32, 2, 16, 10_000, 12, 64, 16));
        two.offer(growing("a", 1, 10));
        two.offer(growing("a", 1, 30));
        two.admit();
        assertThat(two.stepsBefore("b")).isEqualTo(11); // when the shorter one has ended
        two.offer(growing("b", 1, 20));
        assertThat(two.stepsBefore("b")).isEqualTo(31); // when both have
        two.offer(growing("b", 1, 20));
        assertThat(two.stepsBefore("b")).isEqualTo(11 + 21); // and what came after the shorter one
    }

    @Test
    void behindOthersATenantWaitsForNoMoreOfEachThanItHasItselfAndOne() {
        Scheduler one = new Scheduler(new SchedulerLimits(32, 1, 16, 10_000, 12, 64, 16));
        one.offer(growing("a", 1, 9));
        one.admit();
        for (int i = 0; i < 5; i++) {
            one.offer(growing("noisy", 1, 9));
        }
        one.offer(growing("third", 1, 9));
        assertThat(one.stepsBefore("noisy")).isEqualTo(10 + 10 * 6);
        assertThat(one.stepsBefore("quiet")).isEqualTo(10 + 10 * 2);
        assertThat(one.stepsBefore("third")).isEqualTo(10 + 10 * 3);
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
        run(step());
        scheduler.offer(large);
        scheduler.offer(small);
        run(step());
        assertThat(scheduler.running()).isEqualTo(1);

        scheduler.end(first);
        step();

        assertThat(scheduler.running()).isEqualTo(2);
        assertThat(scheduler.blocksClaimed()).isEqualTo(38 + 1);
    }

    @Test
    void aTenantWithOneRequestIsNotBehindAllOfATenantWithMany() {
        List<SequenceGroup> many = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            many.add(growing("many", 96, 1));
            scheduler.offer(many.get(i));
        }
        run(step());
        SequenceGroup single = growing("one", 96, 1);
        scheduler.offer(single);

        scheduler.end(many.get(0));
        step();

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
            run(step()).forEach(slice -> order.add(slice.group().tenant()));
        }
        assertThat(order).containsExactly("large", "large", "large", "small");
        assertThat(scheduler.running()).isEqualTo(8);
        assertThat(scheduler.waiting()).as("2 large and 6 small were admitted").isEqualTo(5);
    }

    @Test
    void whoWasAdmittedLastGivesItsBlocksBackWhenAnswersHaveFilledTheCache() {
        Scheduler narrow = new Scheduler(new SchedulerLimits(64, 8, 16, 10_000, 12, 8, 16));
        List<SequenceGroup> all = List.of(growing("a", 30, 60), growing("b", 30, 60));
        all.forEach(narrow::offer);
        List<SequenceGroup> preempted = new ArrayList<>();
        Map<SequenceGroup, Integer> said = new HashMap<>();
        for (int steps = 0; narrow.running() + narrow.waiting() > 0; steps++) {
            assertThat(steps).as("both end").isLessThan(1_000);
            narrow.admit();
            Scheduler.Plan plan = narrow.plan();
            preempted.addAll(plan.preempted());
            assertThat(plan.preempted())
                    .allSatisfy(each -> assertThat(each.stem().computed()).isZero());
            assertThat(narrow.blocksClaimed()).isLessThanOrEqualTo(8);
            plan.slices().forEach(narrow::complete);
            for (Slice slice : plan.slices()) {
                SequenceGroup group = slice.group();
                if (slice.sequence().pending() == 0) {
                    if (said.merge(group, 1, Integer::sum) > group.decodeMax()) {
                        narrow.end(group);
                    } else {
                        slice.sequence().append(1);
                    }
                }
            }
        }
        assertThat(preempted).isNotEmpty().containsOnly(all.get(1));
        assertThat(all).allSatisfy(group -> assertThat(group.stem().length()).isEqualTo(90));
        assertThat(narrow.blocksClaimed()).isZero();
    }

    @Test
    void theOnlyAnswerThatGrowsWaitsForOthersAndLosesNothing() {
        Scheduler narrow = new Scheduler(new SchedulerLimits(64, 8, 16, 10_000, 12, 8, 16));
        SequenceGroup answer = growing("a", 15, 60);
        SequenceGroup slate = SequenceGroup.branching("b", tokens(80), List.of(tokens(16)));
        narrow.offer(answer);
        narrow.offer(slate);
        narrow.admit();
        assertThat(narrow.running()).isEqualTo(2);
        for (int step = 0; step < 20; step++) {
            Scheduler.Plan plan = narrow.plan();
            assertThat(plan.preempted()).isEmpty();
            plan.slices().forEach(narrow::complete);
            if (answer.stem().pending() == 0) {
                answer.stem().append(1);
            }
        }
        assertThat(narrow.blocksClaimed()).isLessThanOrEqualTo(8);
        int waitedAt = answer.stem().computed();
        narrow.end(slate);
        narrow.plan().slices().forEach(narrow::complete);
        assertThat(answer.stem().computed()).isGreaterThanOrEqualTo(waitedAt);
    }

    @Test
    void whatTheCacheHoldsIsNotReadAgain() {
        SequenceGroup group = growing("a", 20, 1);
        scheduler.offer(group);
        assertThat(scheduler.admit()).containsExactly(group);
        group.stem().skip(16);
        List<Slice> slices = scheduler.plan().slices();
        assertThat(slices).hasSize(1);
        assertThat(slices.get(0).from()).isEqualTo(16);
        assertThat(slices.get(0).count()).isEqualTo(4);
        assertThatThrownBy(() -> growing("a", 5, 1).stem().skip(5)).hasMessageContaining("5 of 5");
    }

    @Test
    void endingAGroupTwiceChangesNothing() {
        SequenceGroup group = growing("a", 10, 5);
        scheduler.offer(group);
        step();
        scheduler.end(group);
        scheduler.end(group);
        assertThat(scheduler.blocksClaimed()).isZero();
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
            scheduler.admit();
            Scheduler.Plan next = scheduler.plan();
            next.preempted().forEach(group -> read.put(group.stem(), 0));
            List<Slice> plan = next.slices();
            assertThat(live.stream().mapToLong(SchedulerTest::held).sum())
                    .isLessThanOrEqualTo(scheduler.blocksClaimed());
            assertThat(plan.stream().mapToInt(Slice::count).sum()).isLessThanOrEqualTo(32);
            assertThat(scheduler.blocksClaimed()).isLessThanOrEqualTo(64);
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
        assertThat(scheduler.blocksClaimed()).isZero();
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

    private List<Slice> step() {
        scheduler.admit();
        return scheduler.plan().slices();
    }

    /** Returns the blocks that a group's tokens lie in. */
    private static long held(SequenceGroup group) {
        long sum = Math.ceilDiv(group.stem().computed(), 16);
        int copied = group.stem().length() % 16;
        for (Sequence branch : group.branches()) {
            if (branch.computed() > 0 && branch.pending() > 0) {
                sum += Math.ceilDiv(copied + branch.computed(), 16);
            }
        }
        return sum;
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
