package dev.flywheel.serving.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
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
 * starts level with the least charged. Prompts are charged on admission, sampled tokens as they come. A group is admitted once the cache has room for the most it can ever
 * hold, so that no running request can run out of blocks.
 *
 * <p>No I/O and no clock. Not thread-safe: the caller brings its own lock.
 */
public final class Scheduler {
    private final SchedulerLimits limits;
    private final Map<String, Tenant> tenants = new HashMap<>();
    private final List<Running> running = new ArrayList<>();
    private int waiting;
    private long tokensWaiting;
    private long blocksReserved;

    public Scheduler(SchedulerLimits limits) {
        this.limits = limits;
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
        waiting++;
        tokensWaiting += group.tokens();
        return Admission.ACCEPTED;
    }

    /**
     * Returns what the next forward pass reads, decode rows first; empty if nothing is pending. After
     * the pass each slice must be handed to {@link #complete}, or its group to {@link #end}.
     */
    public List<Slice> plan() {
        admit();
        List<Slice> slices = new ArrayList<>();
        int budget = planDecodes(slices, limits.stepTokens());
        planPrefills(slices, budget);
        return slices;
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
            waiting--;
            tokensWaiting -= group.tokens();
            depart(tenant);
            return;
        }
        for (Iterator<Running> each = running.iterator(); each.hasNext();) {
            if (each.next().group == group) {
                each.remove();
                blocksReserved -= group.blocks(limits.blockTokens());
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

    /** Returns what the waiting groups may cost. */
    public long tokensWaiting() {
        return tokensWaiting;
    }

    /** Returns the blocks that the admitted groups may come to hold. */
    public long blocksReserved() {
        return blocksReserved;
    }

    private void admit() {
        while (running.size() < limits.requestsRunningMax()) {
            Tenant next = leastCharged();
            if (next == null) {
                return;
            }
            SequenceGroup group = Objects.requireNonNull(next.waiting.peek());
            long blocks = group.blocks(limits.blockTokens());
            // No bypass: a small request must not starve a large one.
            if (blocksReserved + blocks > limits.blocks()) {
                return;
            }
            next.waiting.remove();
            waiting--;
            tokensWaiting -= group.tokens();
            blocksReserved += blocks;
            next.charged += group.tokens() - group.decodeMax();
            running.add(new Running(group, next));
        }
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

    private int planDecodes(List<Slice> slices, int budget) {
        int left = budget;
        for (Running each : running) {
            Sequence stem = each.group.stem();
            if (left > 0 && stem.decoding() && stem.pending() > 0) {
                left -= add(slices, each, stem, left);
                each.tenant.charged++;
            }
        }
        return left;
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

    private record Running(SequenceGroup group, Tenant tenant) {}
}
