package dev.flywheel.trainer.lineage;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.OptimizerState;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.trainer.adapter.Conversions;
import dev.flywheel.trainer.lineage.LineageException.Code;
import dev.flywheel.trainer.round.Parent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The versions between a range's end and the nearest one that training can start from, oldest first.
 *
 * <p>Found by parents, not by numbers: after a rollback the numbers between belong to another branch.
 */
final class Chain {
    private final LineageSource source;
    private final LineageRange range;
    private final LoraConfig shape;
    private final VersionRecord start;
    private final State state;
    private final List<VersionRecord> after;

    /**
     * A version with its bytes.
     *
     * @param optimizer empty: nothing was trained yet
     */
    record State(Digests digests, byte[] weights, byte[] optimizer) {}

    private Chain(LineageSource source, LineageRange range, LoraConfig shape, VersionRecord start,
            State state, List<VersionRecord> after) {
        this.source = source;
        this.range = range;
        this.shape = shape;
        this.start = start;
        this.state = state;
        this.after = List.copyOf(after);
    }

    /** Finds it, and where to start; reads records alone, and the bytes of the start. */
    static Chain find(LineageSource source, LineageRange range) {
        AdapterRecord adapter = source.adapter(range.adapter());
        if (adapter == null) {
            throw new LineageException(
                    Code.NOT_FOUND, "there is no adapter " + range.adapter() + " in the store");
        }
        Deque<VersionRecord> after = new ArrayDeque<>();
        VersionRecord version = version(source, range.adapter(), range.to());
        while (version.getRef().getNumber() > range.from()) {
            after.addFirst(version);
            version = parent(source, version);
        }
        requireAncestor(range, version, after);
        State state = kept(source, version);
        while (state == null) {
            if (version.getRef().getNumber() == 0) {
                throw nothingKept(range);
            }
            after.addFirst(version);
            version = parent(source, version);
            state = kept(source, version);
        }
        return new Chain(source, range, Conversions.loraConfig(adapter.getLora()), version, state,
                List.copyOf(after));
    }

    private static LineageException nothingKept(LineageRange range) {
        return new LineageException(
                Code.NOT_KEPT,
                ("no ancestor of version %d of %s has both weights and optimizer state any more, not even version 0;"
                        + " of a deleted adapter nothing is kept")
                        .formatted(range.from(), range.adapter()));
    }

    private static VersionRecord version(LineageSource source, String adapter, long number) {
        VersionRecord version = source.version(adapter, number);
        if (version == null) {
            throw new LineageException(
                    Code.NOT_FOUND, "there is no version %d of %s".formatted(number, adapter));
        }
        return version;
    }

    /** Numbers only rise along a chain; one that did not would have no end. */
    private static VersionRecord parent(LineageSource source, VersionRecord version) {
        long number = version.getRef().getNumber();
        if (version.getParent() < 0 || version.getParent() >= number) {
            throw new LineageException(
                    Code.BROKEN,
                    "version %d of %s has version %d as its parent, which is no earlier one; restore the store from a backup"
                            .formatted(number, version.getRef().getAdapter(),
                                    version.getParent()));
        }
        return version(source, version.getRef().getAdapter(), version.getParent());
    }

    private static void requireAncestor(
            LineageRange range, VersionRecord reached, Deque<VersionRecord> after) {
        if (reached.getRef().getNumber() != range.from()) {
            throw new LineageException(
                    Code.NOT_AN_ANCESTOR,
                    "version %d of %s is no ancestor of version %d, whose parents go from %d to %d; give one of them"
                            .formatted(
                                    range.from(), range.adapter(), range.to(),
                                    after.getFirst().getRef().getNumber(),
                                    reached.getRef().getNumber()));
        }
    }

    private static @Nullable State kept(LineageSource source, VersionRecord version) {
        String optimizerDigest = version.getOptimizerDigest();
        byte[] optimizer = optimizerDigest.isEmpty() ? new byte[0] : blob(source, optimizerDigest);
        byte[] weights = optimizer == null ? null : blob(source, version.getRef().getDigest());
        return weights == null || optimizer == null ? null
                : new State(Digests.of(version), weights, optimizer);
    }

    private static byte @Nullable [] blob(LineageSource source, String digest) {
        byte[] bytes = source.blob(digest);
        if (bytes != null && !Digest.of(bytes).hex().equals(digest)) {
            throw new LineageException(
                    Code.BROKEN,
                    "blob %s holds bytes of digest %s; restore the store from a backup"
                            .formatted(digest, Digest.of(bytes).hex()));
        }
        return bytes;
    }

    LineageRange range() {
        return range;
    }

    /** The version that it starts from; its bytes are {@link #state}. */
    VersionRecord start() {
        return start;
    }

    State state() {
        return state;
    }

    /** The versions after the start, each the child of the one before. */
    List<VersionRecord> after() {
        return after;
    }

    /** Returns a state of this adapter as what the next round starts from. */
    Parent parent(State from) {
        return new Parent(
                from.digests().weights(), from.digests().optimizer(), () -> content(from));
    }

    private Parent.Content content(State from) {
        try {
            return new Parent.Content(
                    LoraWeights.fromSafetensors(shape, from.weights()),
                    from.optimizer().length == 0 ? null
                            : OptimizerState.fromSafetensors(from.optimizer()));
        } catch (AdapterException unreadable) {
            throw new LineageException(
                    Code.BROKEN,
                    "version %d of %s cannot be read: %s"
                            .formatted(
                                    start.getRef().getNumber(), range.adapter(),
                                    unreadable.getMessage()),
                    unreadable);
        }
    }

    /** Reads the manifest that made the i-th version after the start, and holds it against the records. */
    Manifest manifest(int i) {
        VersionRecord version = after.get(i);
        VersionRecord parent = i == 0 ? start : after.get(i - 1);
        long number = version.getRef().getNumber();
        Manifest manifest = source.manifest(range.adapter(), version.getManifestSeq());
        if (manifest == null) {
            throw new LineageException(
                    Code.NOT_KEPT,
                    "manifest %d, which made version %d of %s, is not kept any more; start from a later version"
                            .formatted(version.getManifestSeq(), number, range.adapter()));
        }
        requireSame(number, "parent", manifest.getParent(), version.getParent());
        requireSame(number, "parent's digest", manifest.getParentDigest(),
                parent.getRef().getDigest());
        return manifest;
    }

    private void requireSame(long version, String what, Object ofManifest, Object ofRecord) {
        if (!ofManifest.equals(ofRecord)) {
            throw new LineageException(
                    Code.BROKEN,
                    "the manifest of version %d of %s has %s %s, the records have %s; restore the store from a backup"
                            .formatted(version, range.adapter(), what, ofManifest, ofRecord));
        }
    }
}
