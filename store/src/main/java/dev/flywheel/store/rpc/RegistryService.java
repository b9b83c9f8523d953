package dev.flywheel.store.rpc;

import com.google.protobuf.UnsafeByteOperations;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.BlobChunk;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.GetAdapterRequest;
import dev.flywheel.api.v1.GetBlobRequest;
import dev.flywheel.api.v1.GetManifestRecordRequest;
import dev.flywheel.api.v1.GetVersionRequest;
import dev.flywheel.api.v1.ListAdaptersReply;
import dev.flywheel.api.v1.ListAdaptersRequest;
import dev.flywheel.api.v1.ListAliasesReply;
import dev.flywheel.api.v1.ListAliasesRequest;
import dev.flywheel.api.v1.ListAuditReply;
import dev.flywheel.api.v1.ListAuditRequest;
import dev.flywheel.api.v1.ListManifestsRequest;
import dev.flywheel.api.v1.ListVersionsReply;
import dev.flywheel.api.v1.ListVersionsRequest;
import dev.flywheel.api.v1.LocateFeedbackReply;
import dev.flywheel.api.v1.LocateFeedbackRequest;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.api.v1.WatchRequest;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.FeedbackLookup;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.ManifestEntry;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@code flywheel.v1.Registry}: what operators and serving nodes see. Reads show durable state only. Thread-safe. */
public final class RegistryService extends RegistryGrpc.RegistryImplBase {
    private static final int CHUNK_BYTES = 512 << 10;

    private final Committer committer;
    private final CommitHistory history;
    private final Limits limits;
    private final Requests requests;
    private final InstantSource clock;
    private final Budget budget;
    private final Semaphore watches;
    // Virtual threads: a watch occupies one only while it sends.
    private final Executor senders = Executors.newVirtualThreadPerTaskExecutor();

    /** {@code budget} is shared with the service that takes blobs in. */
    public RegistryService(Committer committer, CommitHistory history, Limits limits,
            InstantSource clock, Transfers budget) {
        this.committer = committer;
        this.history = history;
        this.limits = limits;
        this.requests = new Requests(limits);
        this.clock = clock;
        this.budget = budget.budget();
        this.watches = new Semaphore(limits.watchersMax());
    }

    @Override
    public void createAdapter(CreateAdapterRequest request, StreamObserver<AdapterRecord> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.CreateAdapter(request, clock.millis()));
    }

    @Override
    public void configureAdapter(ConfigureAdapterRequest request,
            StreamObserver<AdapterRecord> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.ConfigureAdapter(request, clock.millis()));
    }

    @Override
    public void deleteAdapter(DeleteAdapterRequest request, StreamObserver<AdapterRecord> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.DeleteAdapter(request, clock.millis()));
    }

    @Override
    public void getAdapter(GetAdapterRequest request, StreamObserver<AdapterRecord> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter("name", request.getName());
            if (adapter.deleted()) {
                throw Errors.notFound("ADAPTER_NOT_FOUND", "adapter " + request.getName(),
                        "adapter " + request.getName() + " was deleted");
            }
            return adapter.record();
        });
    }

    @Override
    public void listAdapters(ListAdaptersRequest request, StreamObserver<ListAdaptersReply> out) {
        Replies.read(out, () -> ListAdaptersReply.newBuilder()
                .addAllAdapters(committer.feed()
                        .state()
                        .sorted()
                        .stream()
                        .filter(each -> request.getDeleted() || !each.deleted())
                        .map(AdapterState::record)
                        .toList())
                .build());
    }

    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<VersionRecord> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter("adapter", request.getAdapter());
            Fields.number("number", request.getNumber());
            VersionRecord version = request.getNumber() > adapter.lastVersion() ? null
                    : history.version(adapter.name(), request.getNumber());
            if (version == null) {
                throw Errors.notFound("VERSION_NOT_FOUND",
                        "version " + request.getNumber() + " of " + adapter.name());
            }
            return version;
        });
    }

    @Override
    public void listVersions(ListVersionsRequest request, StreamObserver<ListVersionsReply> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter("adapter", request.getAdapter());
            return ListVersionsReply.newBuilder()
                    .addAllVersions(history.versionsBefore(adapter.name(),
                            adapter.lastVersion() + 1, requests.limit(request.getLimit())))
                    .build();
        });
    }

    @Override
    public void setAlias(SetAliasRequest request, StreamObserver<AliasRecord> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.SetAlias(request, clock.millis()));
    }

    @Override
    public void rollback(RollbackRequest request, StreamObserver<Repair> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.Rollback(request, clock.millis()));
    }

    @Override
    public void excise(ExciseRequest request, StreamObserver<Repair> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.Excise(request, clock.millis()));
    }

    @Override
    public void readmit(ReadmitRequest request, StreamObserver<Repair> out) {
        Replies.decide(out, committer, () -> requests.check(request),
                new Command.Readmit(request, clock.millis()));
    }

    @Override
    public void forget(ForgetRequest request, StreamObserver<ForgetReply> out) {
        try {
            requests.check(request);
        } catch (RuntimeException refused) {
            out.onError(Errors.of(refused));
            return;
        }
        Forgetting forgetting = new Forgetting(request, committer, history, clock);
        Replies.readLater(out, senders, forgetting::carryOut);
    }

    @Override
    public void listAliases(ListAliasesRequest request, StreamObserver<ListAliasesReply> out) {
        Replies.read(out, () -> ListAliasesReply.newBuilder()
                .addAllAliases(adapter("adapter", request.getAdapter()).aliases().values())
                .build());
    }

    @Override
    public void listAudit(ListAuditRequest request, StreamObserver<ListAuditReply> out) {
        Replies.read(out, () -> ListAuditReply.newBuilder()
                .addAllEntries(history.audit(adapter("adapter", request.getAdapter()).name(),
                        requests.limit(request.getLimit())))
                .build());
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchReply> out) {
        try {
            if (!request.getAdapter().isEmpty()) {
                Fields.adapter("adapter", request.getAdapter());
            }
            if (!watches.tryAcquire()) {
                throw Errors.exhausted("TOO_MANY_WATCHES",
                        "there are " + limits.watchersMax() + " watches already");
            }
        } catch (RuntimeException refused) {
            out.onError(Errors.of(refused));
            return;
        }
        Watcher.start((ServerCallStreamObserver<WatchReply>) out,
                new WatchEvents(request.getAdapter()), committer.feed(), history, senders,
                limits.watchQueueMax(), once(watches::release));
    }

    @Override
    public void getBlob(GetBlobRequest request, StreamObserver<BlobChunk> out) {
        byte[] bytes;
        try {
            Fields.digest("digest", request.getDigest());
            byte[] found = history.blob(request.getDigest());
            if (found == null) {
                throw Errors.notFound("BLOB_NOT_FOUND", "blob " + request.getDigest());
            }
            bytes = found;
            budget.take(bytes.length);
        } catch (RuntimeException refused) {
            out.onError(Errors.of(refused));
            return;
        }
        ReadyStream.start((ServerCallStreamObserver<BlobChunk>) out, chunks(bytes),
                once(() -> budget.give(bytes.length)));
    }

    private static Supplier<@Nullable BlobChunk> chunks(byte[] bytes) {
        int[] sent = {0};
        return () -> {
            int length = Math.min(CHUNK_BYTES, bytes.length - sent[0]);
            if (length == 0) {
                return null;
            }
            BlobChunk chunk = BlobChunk.newBuilder()
                    .setData(UnsafeByteOperations.unsafeWrap(bytes, sent[0], length))
                    .build();
            sent[0] += length;
            return chunk;
        };
    }

    @Override
    public void listManifests(ListManifestsRequest request, StreamObserver<ManifestSummary> out) {
        List<AdapterState> adapters;
        try {
            Fields.number("after_seq", request.getAfterSeq());
            adapters = request.getAdapter().isEmpty() ? committer.feed().state().sorted()
                    : List.of(adapter("adapter", request.getAdapter()));
        } catch (RuntimeException refused) {
            out.onError(Errors.of(refused));
            return;
        }
        ReadyStream.start((ServerCallStreamObserver<ManifestSummary>) out,
                new ManifestPages(history, adapters, request.getAfterSeq()), () -> {});
    }

    @Override
    public void getManifestRecord(GetManifestRecordRequest request,
            StreamObserver<ManifestRecord> out) {
        Replies.read(out, () -> {
            AdapterState adapter = adapter("adapter", request.getAdapter());
            Fields.number("seq", request.getSeq());
            boolean known = request.getSeq() < adapter.nextSeq();
            Manifest manifest =
                    known ? history.manifest(adapter.name(), request.getSeq()) : null;
            Manifest expired = known && manifest == null
                    ? history.expired(adapter.name(), request.getSeq())
                    : null;
            ManifestEntry entry =
                    known ? history.manifestEntry(adapter.name(), request.getSeq()) : null;
            Manifest either = manifest == null ? expired : manifest;
            if (either == null || entry == null) {
                throw Errors.noManifest(adapter.name(), request.getSeq(), false);
            }
            return ManifestRecords.of(either, entry, expired != null);
        });
    }

    @Override
    public void locateFeedback(LocateFeedbackRequest request,
            StreamObserver<LocateFeedbackReply> out) {
        Replies.read(out, () -> {
            requests.check(request);
            return LocateFeedbackReply.newBuilder()
                    .addAllLocated(new FeedbackLookup(committer.feed().state(), history)
                            .locate(request.getFeedbackList()))
                    .build();
        });
    }

    /** Also a deleted one, whose records can be read. */
    private AdapterState adapter(String field, String name) {
        Fields.adapter(field, name);
        AdapterState adapter = committer.feed().state().adapter(name);
        if (adapter == null) {
            throw Errors.notFound("ADAPTER_NOT_FOUND", "adapter " + name);
        }
        return adapter;
    }

    private static Runnable once(Runnable action) {
        AtomicBoolean done = new AtomicBoolean();
        return () -> {
            if (done.compareAndSet(false, true)) {
                action.run();
            }
        };
    }
}
