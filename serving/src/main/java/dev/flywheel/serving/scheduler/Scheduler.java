package dev.flywheel.serving.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decides, step by step, which tokens the next forward pass reads.
 *
 * <p>Decode rows come first, because a user waits for each of them; prefill chunks fill the rest of
 * the token budget. Tenants share by a virtual token counter (Sheng et al., arXiv:2401.00588): the
 * tenant that has been charged the fewest tokens is admitted next, and one that returns from idleness
 * starts level with the least charged. Prompts are charged on admission, sampled tokens as they come.
 *
 * <p>A group is admitted once the cache has room for what it is known to need, and one block more for each that grows. When those that
 * grow have used that up, the one that was admitted last gives its blocks back and waits, first of its tenant, until it can be read
 * again (preemption by recompute, Kwon et al., arXiv:2309.06180). The first of them never has to: at most it waits for groups that do not grow, and those end.
 *
 * <p>No I/O and no clock. Not thread-safe: the caller brings its own lock.
 */
public final class Scheduler {
    private final SchedulerLimits limits;
    private final Map<String, Tenant> tenants = new HashMap<>();
    private final List<Running> running = new ArrayList<>();
    private int waiting;
    private long tokensWaiting;
    private long blocksClaimed;
    /** What the groups that wait need to begin with. */
    private long blocksAwaited;
    /** Groups that were running and wait again. */
    private final Map<SequenceGroup, Boolean> interrupted = new IdentityHashMap<>();

    public Scheduler(SchedulerLimits limits) {
        this.limits = limits;
    }

    /** Returns after how many steps a group would be begun if it came now, as {@link #stepsBefore(String)}. */
    public long stepsBefore(SequenceGroup group) {
        return stepsBefore(group.tenant(), group.blocksNow(limits.blockTokens()));
    }

    /**
     * Returns after how many steps the smallest request of a tenant would be begun if it came now, as long as none ends early: none if the
     * next step would take it up. Else those that run end one after the other and make room for what waits; tenants take turns, so of each
     * other tenant no more comes before it than it has waiting itself, and one.
     */
    public long stepsBefore(String tenant) {
        return stepsBefore(tenant, 1);
    }

    private long stepsBefore(String tenant, long blocks) {
        if (hasRoom(blocks)) {
            return 0;
        }
        List<SequenceGroup> next = running.isEmpty() ? firstWaiting()
                : running.stream().map(each -> each.group).toList();
        if (next.isEmpty()) {
            return 0; // it is larger than all there is, and told so
        }
        long[] left = next.stream()
                .mapToLong(each -> each.stepsLeft(limits.stepTokens()))
                .sorted()
                .toArray();
        int before = requestsBefore(tenant);
        long whole = next.stream().mapToLong(each -> each.decodeMax() + 1L).sum() / left.length;
        return left[before % left.length] + before / left.length * whole;
    }

    /** Returns as many of those that wait as can run at once. */
    private List<SequenceGroup> firstWaiting() {
        return tenants.values()
                .stream()
                .flatMap(tenant -> tenant.waiting.stream())
                .limit(limits.requestsRunningMax())
                .toList();
    }

    private int requestsBefore(String tenant) {
        Tenant own = tenants.get(tenant);
        int before = own == null ? 0 : own.waiting.size();
        return tenants.values()
                .stream()
                .mapToInt(each -> each == own ? before : Math.min(each.waiting.size(), before + 1))
                .sum();
    }

    private boolean hasRoom(long blocks) {
        return running.size() + waiting < limits.requestsRunningMax()
                && blocksClaimed + blocksAwaited + blocks + growing() + waiting <= limits.blocks();
    }

    /** Queues a group, or says why it cannot be. */
    public Admission offer(SequenceGroup group) {
        if (group.blocks(limits.blockTokens()) > limits.blocks()
                || group.tokens() > limits.tokensWaitingMax()) {
            return Admission.TOO_LARGE;
        }
        Tenant known = tenants.get(group.tenant());
        if (known != null && known.requests >= limits.requestsPerTenantMax()) {
            return Admission.TENANT_FULL;
        }
        if (waiting >= limits.requestsWaitingMax()
                || tokensWaiting + group.tokens() > limits.tokensWaitingMax()) {
            return Admission.QUEUE_FULL;
        }
        Tenant tenant = known != null ? known : arrive(group.tenant());
        tenant.waiting.add(group);
        tenant.requests++;
        queued(group, 1);
        return Admission.ACCEPTED;
    }

    /** Counts a group in among those that wait, or out; it is as long then as when it came. */
    private void queued(SequenceGroup group, int sign) {
        waiting += sign;
        tokensWaiting += sign * group.tokens();
        blocksAwaited += sign * group.blocksNow(limits.blockTokens());
    }

    /**
     * What is to be done next.
     *
     * @param preempted groups that hold no blocks from now on; they come out of {@link #admit} again
     * @param slices what the next forward pass reads, decode rows first; empty if nothing is pending
     */
    public record Plan(List<SequenceGroup> preempted, List<Slice> slices) {}

    /**
     * Admits what there is room for and returns it: before {@link #plan} the first tokens of a stem that are in the cache already may be
     * skipped.
     */
    public List<SequenceGroup> admit() {
        List<SequenceGroup> admitted = new ArrayList<>();
        while (running.size() < limits.requestsRunningMax()) {
            Tenant next = leastCharged();
            if (next == null) {
                break;
            }
            SequenceGroup group = Objects.requireNonNull(next.waiting.peek());
            long blocks = group.blocksNow(limits.blockTokens());
            // No bypass: a small request must not starve a large one.
            if (blocksClaimed + blocks + growing() > limits.blocks() && !running.isEmpty()) {
                break;
            }
            next.waiting.remove();
            queued(group, -1);
            blocksClaimed += blocks;
            if (interrupted.remove(group) == null) {
                next.charged += group.tokens() - group.decodeMax();
            }
            running.add(new Running(group, next, blocks));
            admitted.add(group);
        }
        return admitted;
    }

    private long growing() {
        return running.stream().filter(each -> each.group.grows()).count();
    }

    /**
     * Returns the next step. After the pass each slice must be handed to {@link #complete}, or its group to {@link #end}.
     */
    public Plan plan() {
        List<SequenceGroup> preempted = new ArrayList<>();
        List<Slice> slices = new ArrayList<>();
        int budget = planDecodes(slices, preempted, limits.stepTokens());
        planPrefills(slices, budget);
        return new Plan(preempted, slices);
    }

    /** Notes that a slice has been read. */
    public void complete(Slice slice) {
        slice.sequence().advance(slice.count());
    }

    /** Forgets a group, whatever its state; its blocks count as free. Unknown groups are ignored. */
    public void end(SequenceGroup group) {
        Tenant tenant = tenants.get(group.tenant());
        if (tenant == null) {
            return;
        }
        if (tenant.waiting.remove(group)) {
            interrupted.remove(group);
            queued(group, -1);
            depart(tenant);
            return;
        }
        for (Iterator<Running> all = running.iterator(); all.hasNext();) {
            Running each = all.next();
            if (each.group == group) {
                all.remove();
                blocksClaimed -= each.blocks;
                depart(tenant);
                return;
            }
        }
    }

    /** Returns how many groups wait for admission. */
    public int waiting() {
        return waiting;
    }

    /** Returns how many groups are admitted. */
    public int running() {
        return running.size();
    }

    /** Returns the groups that are admitted. */
    public List<SequenceGroup> groupsRunning() {
        return running.stream().map(each -> each.group).toList();
    }

    /** Returns what the waiting groups may cost. */
    public long tokensWaiting() {
        return tokensWaiting;
    }

    /** Returns the blocks that the admitted groups need now. */
    public long blocksClaimed() {
        return blocksClaimed;
    }

    private @Nullable Tenant leastCharged() {
        Tenant least = null;
        for (Tenant tenant : tenants.values()) {
            if (!tenant.waiting.isEmpty() && (least == null || before(tenant, least))) {
                least = tenant;
            }
        }
        return least;
    }

    private static boolean before(Tenant one, Tenant other) {
        int byCharge = Long.compare(one.charged, other.charged);
        return byCharge != 0 ? byCharge < 0 : one.name.compareTo(other.name) < 0;
    }

    private int planDecodes(List<Slice> slices, List<SequenceGroup> preempted, int budget) {
        int left = budget;
        for (int i = 0; i < running.size() && left > 0; i++) {
            Running each = running.get(i);
            Sequence stem = each.group.stem();
            if (stem.decoding() && stem.pending() > 0 && makeRoom(each, preempted)) {
                left -= add(slices, each, stem, left);
                each.tenant.charged++;
            }
        }
        return left;
    }

    /** Whether a growing group has the blocks for its next token; if not, it waits from now on. */
    private boolean makeRoom(Running grown, List<SequenceGroup> preempted) {
        long needed = grown.group.blocksNow(limits.blockTokens()) - grown.blocks;
        while (needed > 0 && blocksClaimed + needed > limits.blocks()) {
            Running last = lastGrowing();
            if (last == grown && firstGrowing() == grown) {
                return false; // the others end without another block, and leave it theirs
            }
            preempt(last);
            preempted.add(last.group);
            if (last == grown) {
                return false;
            }
        }
        if (needed > 0) {
            grown.blocks += needed;
            blocksClaimed += needed;
        }
        return true;
    }

    private Running firstGrowing() {
        int first = 0;
        while (!running.get(first).group.grows()) {
            first++;
        }
        return running.get(first);
    }

    private Running lastGrowing() {
        int last = running.size() - 1;
        while (!running.get(last).group.grows()) {
            last--;
        }
        return running.get(last);
    }

    private void preempt(Running victim) {
        running.remove(victim);
        blocksClaimed -= victim.blocks;
        victim.group.stem().rewind();
        victim.tenant.waiting.addFirst(victim.group);
        interrupted.put(victim.group, true);
        queued(victim.group, 1);
    }

    private void planPrefills(List<Slice> slices, int budget) {
        int left = budget;
        for (Running each : running) {
            Sequence stem = each.group.stem();
            if (!stem.decoding()) {
                left -= add(slices, each, stem, left);
            } else {
                left = planBranches(slices, each, left);
            }
            if (left == 0) {
                return;
            }
        }
    }

    private static int planBranches(List<Slice> slices, Running running, int budget) {
        int left = budget;
        for (Sequence branch : running.group.branches()) {
            if (left > 0 && branch.pending() > 0) {
                left -= add(slices, running, branch, left);
            }
        }
        return left;
    }

    private static int add(List<Slice> slices, Running running, Sequence sequence, int budget) {
        int count = Math.min(budget, sequence.pending());
        if (count > 0) {
            slices.add(new Slice(running.group, sequence, sequence.computed(), count));
        }
        return count;
    }

    private Tenant arrive(String name) {
        long least = tenants.values().stream().mapToLong(each -> each.charged).min().orElse(0);
        Tenant tenant = new Tenant(name, least);
        tenants.put(name, tenant);
        return tenant;
    }

    private void depart(Tenant tenant) {
        tenant.requests--;
        if (tenant.requests == 0) {
            tenants.remove(tenant.name);
        }
    }

    /** One tenant with requests in the node; forgotten when it has none. */
    private static final class Tenant {
        final String name;
        final ArrayDeque<SequenceGroup> waiting = new ArrayDeque<>();
        int requests;
        long charged;

        Tenant(String name, long charged) {
            this.name = name;
            this.charged = charged;
        }
    }

    /** An admitted group, and the blocks that are kept for it: never fewer than it holds. */
    private static final class Running {
        final SequenceGroup group;
        final Tenant tenant;
        long blocks;

        Running(SequenceGroup group, Tenant tenant, long blocks) {
            this.group = group;
            this.tenant = tenant;
            this.blocks = blocks;
        }
    }
}
