package dev.flywheel.pipelines.round;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Drives the rounds of the adapters that are its keys, see {@link AdapterRounds}. Its output is what it refuses.
 *
 * <p>Nothing here blocks: answers of store and trainer come back through the mailbox, between two elements or checkpoints, on
 * the operator's own thread. Only when too many examples wait does it stop taking more, and answers the mailbox meanwhile.
 */
public final class RoundDriver extends AbstractStreamOperator<DeadLetter>
        implements
            OneInputStreamOperator<LoopItem, DeadLetter> {
    private static final long serialVersionUID = 1L;

    private final ServerTargets targets;
    private final RoundPace pace;
    private final GuardProfiles profiles;
    private final DeadLetters letters;
    private final transient MailboxExecutor mailbox;

    private transient Map<String, AdapterRounds> rounds;
    /** Those of them that hold something or wait for an answer. */
    private transient Set<AdapterRounds> active;
    private transient List<LabelledExample> restored;
    private transient ListState<LabelledExample> unfinished;
    private transient Map<String, List<Withdrawal>> restoredWithdrawals;
    private transient ListState<Withdrawal> withdrawals;
    private transient RoundServers servers;
    private transient DriverHost host;
    private transient StageFigures figures;
    private transient Counter alreadyClaimed;
    private transient volatile long heldFeedback;
    private transient volatile long waitingExamples;
    /** Adapters in the store when the driver began. */
    private transient int adaptersKnown;
    private transient boolean closed;

    @SuppressWarnings("NullAway.Init") // the rest by Flink: initializeState, then open
    RoundDriver(
            StreamOperatorParameters<DeadLetter> parameters,
            ServerTargets targets,
            RoundPace pace,
            GuardProfiles profiles,
            DeadLetters letters) {
        super(parameters);
        this.targets = targets;
        this.pace = pace;
        this.profiles = profiles;
        this.letters = letters;
        this.mailbox = parameters.getMailboxExecutor();
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        rounds = new LinkedHashMap<>();
        active = new LinkedHashSet<>();
        restored = new ArrayList<>();
        restoredWithdrawals = new LinkedHashMap<>();
        withdrawals = context.getKeyedStateStore()
                .getListState(new ListStateDescriptor<>("withdrawals",
                        MessageType.ofMessage(Withdrawal.class)));
        unfinished = context.getKeyedStateStore()
                .getListState(
                        new ListStateDescriptor<>("unfinished",
                                MessageType.ofMessage(LabelledExample.class)));
        if (context.isRestored()) {
            List<Object> adapters;
            try (var keys = getKeyedStateBackend().getKeys("unfinished", VoidNamespace.INSTANCE)) {
                adapters = keys.toList();
            }
            for (Object adapter : adapters) {
                setCurrentKey(adapter);
                unfinished.get().forEach(restored::add);
            }
            restoreWithdrawals();
        }
    }

    private void restoreWithdrawals() throws Exception {
        List<Object> adapters;
        try (var keys = getKeyedStateBackend().getKeys("withdrawals", VoidNamespace.INSTANCE)) {
            adapters = keys.toList();
        }
        for (Object adapter : adapters) {
            setCurrentKey(adapter);
            List<Withdrawal> taken = new ArrayList<>();
            withdrawals.get().forEach(taken::add);
            restoredWithdrawals.put((String) adapter, taken);
        }
    }

    @Override
    public void open() throws Exception {
        super.open();
        figures = new StageFigures(getMetricGroup(), () -> heldFeedback);
        alreadyClaimed = getMetricGroup().counter("alreadyClaimed");
        getMetricGroup().gauge("waitingExamples", (Gauge<Long>) () -> waitingExamples);
        servers = new GrpcServers(targets, writer(), pace.trainTimeout());
        host = new MailboxHost();
        restored.forEach(example -> roundsOf(example.getExample().getAdapter()).offer(example));
        restored = List.of();
        restoredWithdrawals.forEach(
                (adapter, taken) -> taken.forEach(each -> roundsOf(adapter).withdraw(each)));
        restoredWithdrawals.clear();
        count();
        findOpenManifests(1);
        lookForRepairs();
    }

    private String writer() {
        return "%s/%s#%d".formatted(getRuntimeContext().getJobInfo().getJobId(), getOperatorName(),
                getRuntimeContext().getTaskInfo().getIndexOfThisSubtask());
    }

    /** Rounds that an earlier job left open are finished even if no feedback for their adapter comes any more. */
    private void findOpenManifests(int attempt) {
        host.when(servers.listAdapters(), adapters -> {
            adaptersKnown = adapters.size();
            adapters.stream()
                    .map(AdapterRecord::getName)
                    .filter(this::isMine)
                    .forEach(adapter -> openIfLeftOpen(adapter, 1));
        }, failure -> host.after(pace.backoff(attempt), () -> {
            servers.reconnect();
            findOpenManifests(attempt + 1);
        }));
    }

    private void openIfLeftOpen(String adapter, int attempt) {
        host.when(servers.listOpenManifests(adapter), open -> {
            if (!open.isEmpty()) {
                roundsOf(adapter).openIfClosed();
            }
        }, failure -> {
            LOG.warn("open manifests of {} are not known yet, attempt {}: {}", adapter, attempt,
                    failure);
            host.after(pace.backoff(attempt), () -> {
                servers.reconnect();
                openIfLeftOpen(adapter, attempt + 1);
            });
        });
    }

    /** Operators repair what was learned when they like, and no feedback need come for that adapter. */
    private void lookForRepairs() {
        host.when(servers.listRepairs(), repairs -> {
            repairs.stream().filter(each -> isMine(each.getAdapter())).forEach(this::repair);
            host.after(pace.repairsEvery(), this::lookForRepairs);
        }, failure -> {
            LOG.debug("repairs are not known: {}", failure);
            host.after(pace.backoffMax(), this::lookForRepairs);
        });
    }

    private void repair(PendingRepair pending) {
        String adapter = pending.getAdapter();
        if (pending.getUnderWay()) {
            roundsOf(adapter).lookForRepair();
        } else if (pending.getWithdrawnAtMillis() + pace.forgetsAfter().toMillis()
                <= getProcessingTimeService()
                        .getCurrentProcessingTime()) {
            host.when(servers.forgetWithdrawn(adapter),
                    begun -> roundsOf(adapter).lookForRepair(),
                    failure -> LOG.warn("what was withdrawn from {} is not forgotten yet: {}",
                            adapter, failure));
        }
    }

    private boolean isMine(String adapter) {
        var task = getRuntimeContext().getTaskInfo();
        return KeyGroupRangeAssignment.assignKeyToParallelOperator(adapter,
                task.getMaxNumberOfParallelSubtasks(), task.getNumberOfParallelSubtasks())
                == task.getIndexOfThisSubtask();
    }

    private AdapterRounds roundsOf(String adapter) {
        AdapterRounds found = rounds.computeIfAbsent(adapter,
                name -> new AdapterRounds(name, pace, profiles, servers, host));
        active.add(found);
        return found;
    }

    @Override
    public void processElement(StreamRecord<LoopItem> element) throws Exception {
        while (waitingExamples >= pace.bufferedExamplesMax() && !shed()) {
            mailbox.yield();
        }
        LoopItem item = element.getValue();
        AdapterRounds adapter = roundsOf(item.getAdapter());
        if (item.hasExample()) {
            if (item.getExample().hasFeedback()) {
                figures.received();
            }
            adapter.offer(item.getExample());
        } else {
            figures.received();
            adapter.withdraw(item.getWithdrawal());
        }
        count();
    }

    /**
     * Keeps adapters whose round takes too long from filling the buffer, which would stop the feedback of all others: together
     * they may hold half of it.
     *
     * @return whether that made room
     */
    private boolean shed() {
        List<AdapterRounds> overdue = active.stream().filter(AdapterRounds::overdue).toList();
        if (overdue.isEmpty() || rounds.size() == 1 && adaptersKnown <= 1) {
            return false;
        }
        int each = pace.bufferedExamplesMax() / 2 / overdue.size();
        int refused = overdue.stream().mapToInt(adapter -> adapter.shedBeyond(each)).sum();
        count();
        return refused > 0;
    }

    /** Recounts what is held, after anything that may have changed it. */
    private void count() {
        long feedback = 0;
        long examples = 0;
        Iterator<AdapterRounds> each = active.iterator();
        while (each.hasNext()) {
            AdapterRounds adapter = each.next();
            feedback += adapter.unfinishedFeedback();
            examples += adapter.waitingCount();
            if (adapter.finished()) {
                each.remove();
                forgetIfUnknown(adapter);
            }
        }
        heldFeedback = feedback;
        waitingExamples = examples;
    }

    /** Names of adapters come from outside; those that are none must not pile up. */
    private void forgetIfUnknown(AdapterRounds adapter) {
        if (adapter.forgettable()) {
            rounds.remove(adapter.adapter());
            setCurrentKey(adapter.adapter());
            unfinished.clear();
            withdrawals.clear();
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        Failpoints.reach("checkpoint");
        for (AdapterRounds adapter : rounds.values()) {
            setCurrentKey(adapter.adapter());
            unfinished.update(adapter.unfinished());
            withdrawals.update(adapter.unfinishedWithdrawals());
        }
    }

    /** The input has ended for good: what waits is trained before the operator goes. */
    @Override
    public void finish() throws Exception {
        while (!rounds.values().stream().allMatch(AdapterRounds::finished)) {
            mailbox.yield();
        }
        super.finish();
    }

    @Override
    public void close() throws Exception {
        closed = true;
        if (servers != null) {
            servers.close();
        }
        super.close();
    }

    private final class MailboxHost implements DriverHost {
        @Override
        public <T> void when(CompletableFuture<T> future, Consumer<T> done,
                Consumer<CallFailure> failed) {
            // Whatever the callback throws is the mailbox's, never this future's.
            var unused = future.whenComplete((value, thrown) -> inMailbox(() -> {
                if (thrown == null) {
                    done.accept(value);
                } else {
                    failed.accept(CallFailure.of(thrown));
                }
            }));
        }

        private void inMailbox(Runnable action) {
            try {
                mailbox.execute(() -> run(action), "round driver");
            } catch (RejectedExecutionException e) {
                LOG.debug("an answer came after the operator had ended");
            }
        }

        private void run(Runnable action) {
            if (!closed) {
                action.run();
                count();
            }
        }

        @Override
        public void after(Duration delay, Runnable action) {
            long at = getProcessingTimeService().getCurrentProcessingTime() + delay.toMillis();
            var unused = getProcessingTimeService().registerTimer(at, millis -> run(action));
        }

        @Override
        public void refuse(TakenFeedback feedback, RefusalReason reason, String detail) {
            emit(letters.of(feedback, reason, detail, now()), reason);
        }

        @Override
        public void refuse(FeedbackKey key, String impressionId, RefusalReason reason,
                String detail) {
            emit(letters.of(key, impressionId, reason, detail, now()), reason);
        }

        private void emit(DeadLetter letter, RefusalReason reason) {
            output.collect(new StreamRecord<>(letter));
            figures.refused(reason);
        }

        private Instant now() {
            return Instant.ofEpochMilli(getProcessingTimeService().getCurrentProcessingTime());
        }

        @Override
        public void alreadyClaimed(LabelledExample labelled) {
            alreadyClaimed.inc();
        }

        @Override
        public void fail(RuntimeException failure) {
            throw failure;
        }
    }
}
