package dev.flywheel.api.client;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.ForgetWithdrawnRequest;
import dev.flywheel.api.v1.GetAdapterRequest;
import dev.flywheel.api.v1.GetBlobRequest;
import dev.flywheel.api.v1.GetManifestRecordRequest;
import dev.flywheel.api.v1.GetManifestRequest;
import dev.flywheel.api.v1.GetVersionRequest;
import dev.flywheel.api.v1.ListAdaptersRequest;
import dev.flywheel.api.v1.ListAliasesRequest;
import dev.flywheel.api.v1.ListAuditRequest;
import dev.flywheel.api.v1.ListManifestsRequest;
import dev.flywheel.api.v1.ListOpenManifestsRequest;
import dev.flywheel.api.v1.ListRepairsReply;
import dev.flywheel.api.v1.ListRepairsRequest;
import dev.flywheel.api.v1.ListVersionsRequest;
import dev.flywheel.api.v1.LocateFeedbackRequest;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.StoreCommitGrpc;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.WatchRequest;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.api.v1.WithdrawRequest;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The store's two services, {@code Registry} and {@code StoreCommit}, as plain methods.
 *
 * <p>Each call comes twice: blocking, and with {@code Async} as a future that cancels its call when cancelled. Failures are
 * {@link StatusRuntimeException} with the {@code google.rpc} details of the server; nothing is retried except a watch.
 * Thread-safe. Closing it closes the channel only if {@link #connect} opened it.
 */
public final class StoreClient implements AutoCloseable {
    /** Largest piece of a blob on the wire. */
    public static final int CHUNK_BYTES = 512 << 10;
    /** Events that one call locates at most. */
    public static final int LOCATED_MAX = 1_000;

    private static final ListAdaptersRequest ALL_ADAPTERS =
            ListAdaptersRequest.newBuilder().setDeleted(true).build();
    /** It reads all manifests. */
    private static final Duration FORGET_TIMEOUT = Duration.ofMinutes(10);
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    private final Calls calls;
    private final @Nullable ManagedChannel owned;

    private StoreClient(Calls calls, @Nullable ManagedChannel owned) {
        this.calls = calls;
        this.owned = owned;
    }

    /** Over a channel that the caller keeps and closes. {@code timeout} bounds every call but a watch. */
    public static StoreClient over(Channel channel, Duration timeout) {
        return new StoreClient(new Calls(channel, timeout), null);
    }

    /** Over a channel that the caller keeps and closes, with 10 s for each call. */
    public static StoreClient over(Channel channel) {
        return over(channel, DEFAULT_TIMEOUT);
    }

    /** Connects without encryption, for loopback and trusted networks; {@code host:port}. */
    public static StoreClient connect(String target) {
        return connect(target, "");
    }

    /** The same, showing a key with each call unless it is empty. */
    public static StoreClient connect(String target, String key) {
        ManagedChannel channel =
                Grpc.newChannelBuilder(target, InsecureChannelCredentials.create())
                        .intercept(ApiKey.shown(key))
                        .build();
        return new StoreClient(new Calls(channel, DEFAULT_TIMEOUT), channel);
    }

    // Adapters and versions.

    public AdapterRecord createAdapter(CreateAdapterRequest request) {
        return calls.blocking(RegistryGrpc.getCreateAdapterMethod(), request);
    }

    public CompletableFuture<AdapterRecord> createAdapterAsync(CreateAdapterRequest request) {
        return calls.async(RegistryGrpc.getCreateAdapterMethod(), request);
    }

    public AdapterRecord configureAdapter(ConfigureAdapterRequest request) {
        return calls.blocking(RegistryGrpc.getConfigureAdapterMethod(), request);
    }

    public CompletableFuture<AdapterRecord> configureAdapterAsync(
            ConfigureAdapterRequest request) {
        return calls.async(RegistryGrpc.getConfigureAdapterMethod(), request);
    }

    public AdapterRecord deleteAdapter(DeleteAdapterRequest request) {
        return calls.blocking(RegistryGrpc.getDeleteAdapterMethod(), request);
    }

    public CompletableFuture<AdapterRecord> deleteAdapterAsync(DeleteAdapterRequest request) {
        return calls.async(RegistryGrpc.getDeleteAdapterMethod(), request);
    }

    public AdapterRecord getAdapter(String name) {
        return calls.blocking(RegistryGrpc.getGetAdapterMethod(), adapterRequest(name));
    }

    public CompletableFuture<AdapterRecord> getAdapterAsync(String name) {
        return calls.async(RegistryGrpc.getGetAdapterMethod(), adapterRequest(name));
    }

    private static GetAdapterRequest adapterRequest(String name) {
        return GetAdapterRequest.newBuilder().setName(name).build();
    }

    /** Those that were not deleted, by name. */
    public List<AdapterRecord> listAdapters() {
        return calls.blocking(RegistryGrpc.getListAdaptersMethod(),
                ListAdaptersRequest.getDefaultInstance()).getAdaptersList();
    }

    /** Deleted ones too, by name. */
    public List<AdapterRecord> listAllAdapters() {
        return calls.blocking(RegistryGrpc.getListAdaptersMethod(), ALL_ADAPTERS)
                .getAdaptersList();
    }

    public CompletableFuture<List<AdapterRecord>> listAllAdaptersAsync() {
        return calls.async(RegistryGrpc.getListAdaptersMethod(), ALL_ADAPTERS)
                .thenApply(reply -> reply.getAdaptersList());
    }

    public CompletableFuture<List<AdapterRecord>> listAdaptersAsync() {
        return calls.async(RegistryGrpc.getListAdaptersMethod(),
                ListAdaptersRequest.getDefaultInstance())
                .thenApply(reply -> reply.getAdaptersList());
    }

    public VersionRecord getVersion(String adapter, long number) {
        return calls.blocking(RegistryGrpc.getGetVersionMethod(), versionRequest(adapter, number));
    }

    public CompletableFuture<VersionRecord> getVersionAsync(String adapter, long number) {
        return calls.async(RegistryGrpc.getGetVersionMethod(), versionRequest(adapter, number));
    }

    private static GetVersionRequest versionRequest(String adapter, long number) {
        return GetVersionRequest.newBuilder().setAdapter(adapter).setNumber(number).build();
    }

    /** Newest first. */
    public List<VersionRecord> listVersions(String adapter, int limit) {
        return calls.blocking(RegistryGrpc.getListVersionsMethod(),
                versionsRequest(adapter, limit)).getVersionsList();
    }

    public CompletableFuture<List<VersionRecord>> listVersionsAsync(String adapter, int limit) {
        return calls.async(RegistryGrpc.getListVersionsMethod(), versionsRequest(adapter, limit))
                .thenApply(reply -> reply.getVersionsList());
    }

    private static ListVersionsRequest versionsRequest(String adapter, int limit) {
        return ListVersionsRequest.newBuilder().setAdapter(adapter).setLimit(limit).build();
    }

    // Aliases.

    public AliasRecord setAlias(SetAliasRequest request) {
        return calls.blocking(RegistryGrpc.getSetAliasMethod(), request);
    }

    public CompletableFuture<AliasRecord> setAliasAsync(SetAliasRequest request) {
        return calls.async(RegistryGrpc.getSetAliasMethod(), request);
    }

    public List<AliasRecord> listAliases(String adapter) {
        return calls.blocking(RegistryGrpc.getListAliasesMethod(), aliasesRequest(adapter))
                .getAliasesList();
    }

    public CompletableFuture<List<AliasRecord>> listAliasesAsync(String adapter) {
        return calls.async(RegistryGrpc.getListAliasesMethod(), aliasesRequest(adapter))
                .thenApply(reply -> reply.getAliasesList());
    }

    private static ListAliasesRequest aliasesRequest(String adapter) {
        return ListAliasesRequest.newBuilder().setAdapter(adapter).build();
    }

    /** Newest first. */
    public List<AuditEntry> listAudit(String adapter, int limit) {
        return calls.blocking(RegistryGrpc.getListAuditMethod(), auditRequest(adapter, limit))
                .getEntriesList();
    }

    public CompletableFuture<List<AuditEntry>> listAuditAsync(String adapter, int limit) {
        return calls.async(RegistryGrpc.getListAuditMethod(), auditRequest(adapter, limit))
                .thenApply(reply -> reply.getEntriesList());
    }

    private static ListAuditRequest auditRequest(String adapter, int limit) {
        return ListAuditRequest.newBuilder().setAdapter(adapter).setLimit(limit).build();
    }

    // Watching.

    /**
     * Follows one adapter, or all if {@code adapter} is empty, and resumes by itself until closed. The listener runs on
     * gRPC's threads.
     */
    public StoreWatch watch(String adapter, WatchListener listener) {
        return watch(adapter, listener, 0);
    }

    /** The same for one who has seen the store at a commit before: what is below it is not told, see {@link StoreWatch}. */
    public StoreWatch watch(String adapter, WatchListener listener, long seen) {
        WatchRequest request = WatchRequest.newBuilder().setAdapter(adapter).build();
        StoreWatch watch = new StoreWatch(calls.channel(), request, listener, seen);
        watch.start();
        return watch;
    }

    // Blobs.

    /** The blob's bytes; DATA_LOSS if they are not the ones that the digest names. */
    public byte[] getBlob(String digest) {
        return join(getBlobAsync(digest));
    }

    public CompletableFuture<byte[]> getBlobAsync(String digest) {
        BlobDownload download = new BlobDownload(digest);
        ClientCalls.asyncServerStreamingCall(
                calls.channel().newCall(RegistryGrpc.getGetBlobMethod(), calls.options()),
                GetBlobRequest.newBuilder().setDigest(digest).build(), download);
        return download.blob();
    }

    /** Stores bytes under their SHA-256 and checks that the store computed the same one. */
    public PutBlobReply putBlob(byte[] bytes) {
        return join(putBlobAsync(bytes));
    }

    /** As {@link #putBlob}; {@code bytes} must not change until the future completes. */
    public CompletableFuture<PutBlobReply> putBlobAsync(byte[] bytes) {
        BlobUpload upload = new BlobUpload(bytes);
        ClientCalls.asyncClientStreamingCall(
                calls.channel().newCall(StoreCommitGrpc.getPutBlobMethod(), calls.options()),
                upload);
        return upload.reply();
    }

    // Manifests.

    /** Hands every manifest above {@code afterSeq} to {@code each}, one at a time: memory does not grow with their number. */
    public void listManifests(String adapter, long afterSeq, Consumer<ManifestSummary> each) {
        ListManifestsRequest request =
                ListManifestsRequest.newBuilder().setAdapter(adapter).setAfterSeq(afterSeq).build();
        Iterator<ManifestSummary> summaries = ClientCalls.blockingServerStreamingCall(
                calls.channel(), RegistryGrpc.getListManifestsMethod(), calls.options(), request);
        summaries.forEachRemaining(each);
    }

    /** As {@link #listManifests}; {@code each} runs on gRPC's threads, one call after the other. */
    public CompletableFuture<Void> listManifestsAsync(String adapter, long afterSeq,
            Consumer<ManifestSummary> each) {
        ListManifestsRequest request =
                ListManifestsRequest.newBuilder().setAdapter(adapter).setAfterSeq(afterSeq).build();
        Calls.Each<ManifestSummary> stream = new Calls.Each<>(each);
        ClientCalls.asyncServerStreamingCall(
                calls.channel().newCall(RegistryGrpc.getListManifestsMethod(), calls.options()),
                request, stream);
        return stream.end();
    }

    /** What a round was made of and came to, without what its users said. */
    public ManifestRecord getManifestRecord(String adapter, long seq) {
        return calls.blocking(RegistryGrpc.getGetManifestRecordMethod(),
                GetManifestRecordRequest.newBuilder().setAdapter(adapter).setSeq(seq).build());
    }

    /** Those of at most {@link #LOCATED_MAX} events that a manifest claims or that are withdrawn, in their order. */
    public List<LocatedFeedback> locateFeedback(List<FeedbackKey> feedback) {
        return calls.blocking(RegistryGrpc.getLocateFeedbackMethod(),
                LocateFeedbackRequest.newBuilder().addAllFeedback(feedback).build())
                .getLocatedList();
    }

    public AcquireEpochReply acquireEpoch(String adapter, String writer) {
        return calls.blocking(StoreCommitGrpc.getAcquireEpochMethod(),
                epochRequest(adapter, writer));
    }

    public CompletableFuture<AcquireEpochReply> acquireEpochAsync(String adapter, String writer) {
        return calls.async(StoreCommitGrpc.getAcquireEpochMethod(), epochRequest(adapter, writer));
    }

    private static AcquireEpochRequest epochRequest(String adapter, String writer) {
        return AcquireEpochRequest.newBuilder().setAdapter(adapter).setWriter(writer).build();
    }

    public PutManifestReply putManifest(PutManifestRequest request) {
        return calls.blocking(StoreCommitGrpc.getPutManifestMethod(), request);
    }

    public CompletableFuture<PutManifestReply> putManifestAsync(PutManifestRequest request) {
        return calls.async(StoreCommitGrpc.getPutManifestMethod(), request);
    }

    public CompletableFuture<PutReplayReply> putReplayAsync(PutReplayRequest request) {
        return calls.async(StoreCommitGrpc.getPutReplayMethod(), request);
    }

    public CompletableFuture<List<PendingRepair>> listRepairsAsync() {
        return calls.async(StoreCommitGrpc.getListRepairsMethod(),
                ListRepairsRequest.getDefaultInstance())
                .thenApply(ListRepairsReply::getRepairsList);
    }

    public CompletableFuture<Repair> forgetWithdrawnAsync(String adapter) {
        return calls.async(StoreCommitGrpc.getForgetWithdrawnMethod(),
                ForgetWithdrawnRequest.newBuilder().setAdapter(adapter).build());
    }

    public Repair rollback(RollbackRequest request) {
        return calls.blocking(RegistryGrpc.getRollbackMethod(), request);
    }

    public Repair excise(ExciseRequest request) {
        return calls.blocking(RegistryGrpc.getExciseMethod(), request);
    }

    public Repair readmit(ReadmitRequest request) {
        return calls.blocking(RegistryGrpc.getReadmitMethod(), request);
    }

    public ForgetReply forget(ForgetRequest request) {
        return calls.within(FORGET_TIMEOUT).blocking(RegistryGrpc.getForgetMethod(), request);
    }

    public Manifest getManifest(String adapter, long seq) {
        return calls.blocking(StoreCommitGrpc.getGetManifestMethod(),
                manifestRequest(adapter, seq));
    }

    public CompletableFuture<Manifest> getManifestAsync(String adapter, long seq) {
        return calls.async(StoreCommitGrpc.getGetManifestMethod(), manifestRequest(adapter, seq));
    }

    private static GetManifestRequest manifestRequest(String adapter, long seq) {
        return GetManifestRequest.newBuilder().setAdapter(adapter).setSeq(seq).build();
    }

    /** Oldest first. */
    public List<Manifest> listOpenManifests(String adapter) {
        return calls.blocking(StoreCommitGrpc.getListOpenManifestsMethod(), openRequest(adapter))
                .getManifestsList();
    }

    public CompletableFuture<List<Manifest>> listOpenManifestsAsync(String adapter) {
        return calls.async(StoreCommitGrpc.getListOpenManifestsMethod(), openRequest(adapter))
                .thenApply(reply -> reply.getManifestsList());
    }

    private static ListOpenManifestsRequest openRequest(String adapter) {
        return ListOpenManifestsRequest.newBuilder().setAdapter(adapter).build();
    }

    /** No round claims an example of this event from now on; the reply says whether one has. */
    public WithdrawReply withdraw(FeedbackKey feedback) {
        return calls.blocking(StoreCommitGrpc.getWithdrawMethod(), withdrawRequest(feedback));
    }

    public CompletableFuture<WithdrawReply> withdrawAsync(FeedbackKey feedback) {
        return calls.async(StoreCommitGrpc.getWithdrawMethod(), withdrawRequest(feedback));
    }

    private static WithdrawRequest withdrawRequest(FeedbackKey feedback) {
        return WithdrawRequest.newBuilder().setFeedback(feedback).build();
    }

    public PutOutcomeReply putOutcome(PutOutcomeRequest request) {
        return calls.blocking(StoreCommitGrpc.getPutOutcomeMethod(), request);
    }

    public CompletableFuture<PutOutcomeReply> putOutcomeAsync(PutOutcomeRequest request) {
        return calls.async(StoreCommitGrpc.getPutOutcomeMethod(), request);
    }

    /** Closes the channel if {@link #connect} opened it; calls still running get two seconds to end. */
    @Override
    public void close() {
        if (owned == null) {
            return;
        }
        owned.shutdown();
        try {
            if (!owned.awaitTermination(2, TimeUnit.SECONDS)) {
                owned.shutdownNow();
            }
        } catch (InterruptedException interrupted) {
            owned.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for a call that has a deadline of its own. */
    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof StatusRuntimeException status) {
                throw status;
            }
            throw failed;
        }
    }
}
