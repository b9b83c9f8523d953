package dev.flywheel.pipelines.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.Withdrawal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Random faults and crashes. Replay one case with {@code -Dflywheel.seed=N}. */
class RandomRoundsTest extends AdapterRoundsRig {
    @Test
    void lostCallsAndCrashesLoseNothingAndTrainNothingTwice() {
        Long replayed = Long.getLong("flywheel.seed");
        long from = replayed == null ? 20_261_122 : replayed;
        for (long seed = from; seed < from + (replayed == null ? 500 : 1); seed++) {
            try {
                new RandomRoundsTest().surviveFaults(new Random(seed));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("with -Dflywheel.seed=" + seed + ": " + e.getMessage(), e);
            }
        }
    }

    private void surviveFaults(Random random) {
        servers.examplesMax = 1 + random.nextInt(6);
        servers.faults = () -> InMemoryServers.Fault.values()[random.nextInt(10) < 7 ? 0
                : 1 + random.nextInt(2)];
        List<Consumer<AdapterRounds>> events = new ArrayList<>();
        Set<FeedbackKey> sent = new HashSet<>();
        for (int i = 0; i < 30; i++) {
            LabelledExample example = example("f" + i, "e" + random.nextInt(25));
            events.add(each -> each.offer(example));
            sent.add(key("f" + i));
            if (random.nextInt(4) == 0) {
                Withdrawal taken =
                        withdrawal("r" + i, "f" + i, example.getExample().getExampleId());
                events.add(each -> each.withdraw(taken));
                sent.add(key("r" + i));
            }
        }
        // Not the first draw: of neighbouring seeds these hardly differ.
        int deletedAt = random.nextInt(4) == 0 ? random.nextInt(30) : Integer.MAX_VALUE;
        int next = 0;
        int checkpointAt = 0;
        List<LabelledExample> checkpoint = List.of();
        List<Withdrawal> takenBack = List.of();
        while (next < events.size()) {
            int what = random.nextInt(20);
            if (next >= deletedAt && servers.adapterExists) {
                servers.delete();
            }
            if (what == 8 && random.nextInt(8) == 0) {
                servers.configure(1 + random.nextInt(6));
            }
            if (what < 6) {
                events.get(next++).accept(rounds);
            } else if (what == 6) {
                checkpoint = rounds.unfinished();
                takenBack = rounds.unfinishedWithdrawals();
                checkpointAt = next;
            } else if (what == 7) {
                crash();
                boolean fromNothing = random.nextInt(3) == 0;
                if (!fromNothing) {
                    checkpoint.forEach(rounds::offer);
                    takenBack.forEach(rounds::withdraw);
                }
                next = fromNothing ? 0 : checkpointAt;
            } else if (!host.idle()) {
                host.step(random.nextInt(1_000));
            }
        }
        servers.faults = () -> InMemoryServers.Fault.NONE;
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(rounds.finished()).isTrue();
        assertThat(rounds.unfinished()).isEmpty();
        assertThat(servers.outcomes).hasSameSizeAs(servers.manifests);
        assertThat(servers.live()).extracting(Example::getExampleId).doesNotHaveDuplicates();
        // What comes again after its adapter was deleted is refused without a look at what was trained: audits count that first.
        Set<FeedbackKey> refused = new HashSet<>(host.refused.keySet());
        refused.removeIf(key -> !servers.adapterExists
                && host.refused.get(key) == RefusalReason.REFUSAL_REASON_NO_ADAPTER);
        assertThat(servers.trained()).doesNotHaveDuplicates();
        refused.retainAll(servers.trained());
        assertThat(refused).as("trained and refused").isEmpty();
        Set<FeedbackKey> ended = new HashSet<>(servers.trained());
        ended.addAll(host.refused.keySet());
        assertThat(ended).isEqualTo(sent);
        sent.stream().filter(key -> key.getFeedbackId().startsWith("r")).forEach(retraction -> {
            FeedbackKey target = key("f" + retraction.getFeedbackId().substring(1));
            assertThat(servers.trained().contains(target) && host.refused
                    .get(retraction) == RefusalReason.REFUSAL_REASON_RETRACTED)
                    .as("%s is trained though its retraction was in time", target)
                    .isFalse();
        });
    }
}
