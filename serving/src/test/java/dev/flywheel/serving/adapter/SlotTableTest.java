package dev.flywheel.serving.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.serving.harness.Publisher;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SlotTableTest {
    @TempDir private Path folder;
    private Backend backend;
    private BaseModel base;
    private AdapterSlots slots;
    private SlotTable table;
    private Set<Long> wanted = Set.of();
    private final AtomicLong now = new AtomicLong();

    @BeforeEach
    void open() {
        backend = Backends.open("reference", 1);
        base = BaseModel.load(TinyBase.SMALL.write(folder, 5), backend);
        slots = new AdapterSlots(base, 2, 8);
        table = new SlotTable(slots, now::incrementAndGet);
    }

    @AfterEach
    void close() {
        slots.close();
        base.close();
        backend.close();
    }

    private Lease lease(Resident resident) {
        return table.tryLease(resident, AdapterRecord.getDefaultInstance(), () -> {});
    }

    @Test
    void aLeasedVersionKeepsItsSlot() throws Exception {
        Lease lease = lease(bring(1, 0));
        bring(2, 0);
        bring(3, 0);
        assertThat(numbers()).containsExactlyInAnyOrder(1L, 3L);
        assertThat(slots.isStaged(lease.slot())).isTrue();
        assertThat(table.find(key(1)).slot()).isEqualTo(lease.slot());
    }

    @Test
    void whileAllAreLeasedANewOneWaitsAndTakesTheFirstThatIsGivenBack() throws Exception {
        Lease one = lease(bring(1, 0));
        Lease two = lease(bring(2, 0));
        assertThat(bring(3, 0)).isNull();
        CompletableFuture<Resident> waiting =
                CompletableFuture.supplyAsync(() -> bringUnchecked(3));
        one.close();
        assertThat(waiting.get(30, TimeUnit.SECONDS).slot()).isEqualTo(one.slot());
        assertThat(numbers()).containsExactlyInAnyOrder(2L, 3L);
        two.close();
    }

    @Test
    void whatNoAliasWantsGoesFirstThenTheLongestUnused() throws Exception {
        lease(bring(1, 0)).close();
        lease(bring(2, 0)).close();
        wanted = Set.of(1L, 3L, 4L);
        bring(3, 0);
        assertThat(numbers()).containsExactlyInAnyOrder(1L, 3L);
        lease(table.find(key(3))).close();
        bring(4, 0);
        assertThat(numbers()).containsExactlyInAnyOrder(3L, 4L);
    }

    @Test
    void closingALeaseTwiceGivesBackOnePin() throws Exception {
        Resident resident = bring(1, 0);
        Lease first = lease(resident);
        Lease second = lease(resident);
        first.close();
        first.close();
        assertThat(resident.leases()).isEqualTo(1);
        second.close();
        assertThat(resident.leases()).isZero();
    }

    @Test
    void anEvictedVersionCannotBeLeasedAnyMore() throws Exception {
        Resident resident = bring(1, 0);
        bring(2, 0);
        bring(3, 0);
        bring(4, 0);
        assertThat(lease(resident)).isNull();
        assertThat(slots.freeSlots()).isZero();
    }

    private List<Long> numbers() {
        return table.residents().stream().map(each -> each.key().number()).toList();
    }

    private Resident bringUnchecked(long number) {
        try {
            return bring(number, TimeUnit.SECONDS.toNanos(30));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Resident bring(long number, long waitNanos) throws InterruptedException {
        LoraWeights weights = LoraWeights.start(Publisher.config(), base.linearModules(), number);
        Integer slot = table.stage(weights, key -> wanted.contains(key.number()), waitNanos);
        if (slot == null) {
            return null;
        }
        Resident resident = new Resident(key(number),
                VersionRef.newBuilder().setNumber(number).build(), slot);
        table.add(resident);
        return resident;
    }

    private static VersionKey key(long number) {
        return new VersionKey("a", number);
    }
}
