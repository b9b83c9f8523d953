package dev.flywheel.trainer.round;

import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.training.TrainableAdapter;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The newest candidates, kept on the device because the next round probably starts from one of
 * them.
 *
 * <p>Only a cache: a version is known by its digests, and one that is fetched anew gives the same
 * bits. Bounded; not thread-safe.
 */
final class DeviceVersions implements AutoCloseable {
    private final BaseModel base;
    private final Probing probing;
    private final int keptMax;
    private final Deque<DeviceVersion> kept = new ArrayDeque<>();

    DeviceVersions(BaseModel base, Probing probing, int keptMax) {
        this.base = base;
        this.probing = probing;
        this.keptMax = keptMax;
    }

    /** Hands the version over to the caller, who changes, keeps or closes it. */
    DeviceVersion take(Parent parent) {
        for (DeviceVersion version : kept) {
            if (version.is(parent)) {
                kept.remove(version);
                return version;
            }
        }
        return load(parent);
    }

    /** Takes a version over; the oldest beyond the bound is closed. */
    void keep(DeviceVersion version) {
        kept.addFirst(version);
        while (kept.size() > keptMax) {
            kept.removeLast().close();
        }
    }

    @Override
    public void close() {
        kept.forEach(DeviceVersion::close);
        kept.clear();
    }

    private DeviceVersion load(Parent parent) {
        Parent.Content content = parent.content().get();
        try {
            Probe probe = probing.of(content.weights());
            TrainableAdapter adapter =
                    TrainableAdapter.of(base, content.weights(), content.optimizer());
            return new DeviceVersion(
                    parent.weightsDigest(), parent.optimizerDigest(), adapter, probe);
        } catch (IllegalArgumentException unfit) {
            throw new UnfitParentException(unfit);
        }
    }
}
