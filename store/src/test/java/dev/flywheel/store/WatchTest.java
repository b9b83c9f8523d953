package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.client.StoreWatch;
import dev.flywheel.api.client.WatchListener;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.api.v1.WatchRequest;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A watcher sees the state, then every change, in order and without gaps. */
class WatchTest {
    @TempDir Path folder;

    /** Collects what comes and waits for what is expected. */
    private static final class Recording implements WatchListener {
        private final BlockingQueue<WatchReply> replies = new LinkedBlockingQueue<>();
        private final BlockingQueue<StatusRuntimeException> interruptions =
                new LinkedBlockingQueue<>();

        @Override
        public void onEvent(WatchReply reply) {
            replies.add(reply);
        }

        @Override
        public void onInterrupted(StatusRuntimeException why) {
            interruptions.add(why);
        }

        List<WatchReply> until(Predicate<WatchReply> last) throws InterruptedException {
            List<WatchReply> seen = new ArrayList<>();
            while (seen.isEmpty() || !last.test(seen.get(seen.size() - 1))) {
                WatchReply next = replies.poll(30, TimeUnit.SECONDS);
                assertThat(next).as("an event after %s", seen).isNotNull();
                seen.add(next);
            }
            return seen;
        }
    }

    private static boolean serves(WatchReply reply, long version) {
        return reply.hasAlias() && reply.getAlias().getAlias().equals("serving")
                && reply.getAlias().getVersion() == version;
    }

    private static String text(WatchReply reply) {
        return switch (reply.getEventCase()) {
            case ADAPTER -> "adapter " + reply.getAdapter().getName();
            case VERSION -> "version " + reply.getVersion().getRef().getNumber();
            case ALIAS -> reply.getAlias().getAlias() + " " + reply.getAlias().getVersion();
            case SYNCED -> "synced";
            case EVENT_NOT_SET -> "nothing";
        };
    }

    @Test
    void firstTheStateThenEveryChange() throws Exception {
        Recording recording = new Recording();
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.createAdapter("other");
            running.commitRound(ADAPTER, 1, epoch, 0, "e1");
            running.commitRound(ADAPTER, 2, epoch, 1, "e2");
            running.commitRound(ADAPTER, 3, epoch, 2, "e3");
            try (StoreWatch watch = running.client.watch(ADAPTER, recording)) {
                List<WatchReply> state = recording.until(WatchReply::hasSynced);
                assertThat(state).extracting(WatchTest::text)
                        .containsExactly("adapter " + ADAPTER,
                                "version 2", "version 3", "previous 2", "serving 3", "synced");
                assertThat(state).extracting(WatchReply::getCommit)
                        .containsOnly(running.store.commits());
                assertThat(state.get(0).getAdapter().getHead()).isEqualTo(3);

                running.commitRound(ADAPTER, 4, epoch, 3, "e4");
                assertThat(recording.until(reply -> text(reply).equals("previous 3")))
                        .extracting(WatchTest::text)
                        .containsExactly("version 4", "serving 4", "previous 3");
            }
        }
        assertThat(recording.replies).isEmpty();
        assertThat(recording.interruptions).isEmpty();
    }

    @Test
    void anAdapterThatIsCreatedLaterIsSeenByThoseWhoWaitForIt() throws Exception {
        Recording recording = new Recording();
        try (RunningStore running = new RunningStore(folder);
                StoreWatch watch = running.client.watch(ADAPTER, recording)) {
            recording.until(WatchReply::hasSynced);
            running.createAdapter("other");
            running.createAdapter(ADAPTER);
            assertThat(recording.until(reply -> serves(reply, 0))).extracting(WatchTest::text)
                    .containsExactly("adapter " + ADAPTER, "version 0", "serving 0");
        }
    }

    @Test
    void whatBecomesOfAnAdapterIsToldToThoseWhoWatchAndToThoseWhoComeLater() throws Exception {
        Recording recording = new Recording();
        Recording later = new Recording();
        try (RunningStore running = new RunningStore(folder)) {
            running.createAdapter(ADAPTER);
            try (StoreWatch watch = running.client.watch("", recording)) {
                recording.until(WatchReply::hasSynced);
                AdapterRecord configured = running.client.configureAdapter(
                        Samples.configure(running.client.getAdapter(ADAPTER)));
                assertThat(recording.until(WatchReply::hasAdapter)).singleElement()
                        .satisfies(reply -> assertThat(reply.getAdapter()).isEqualTo(configured));
                AdapterRecord deleted = running.client.deleteAdapter(Samples.delete(ADAPTER, 2));
                assertThat(recording.until(WatchReply::hasAdapter)).singleElement()
                        .satisfies(reply -> assertThat(reply.getAdapter()).isEqualTo(deleted));
                try (StoreWatch second = running.client.watch("", later)) {
                    List<WatchReply> state = later.until(WatchReply::hasSynced);
                    assertThat(state).extracting(WatchTest::text)
                            .containsExactly("adapter " + ADAPTER, "synced");
                    assertThat(state.get(0).getAdapter()).isEqualTo(deleted);
                }
            }
        }
    }

    /** Watches begin in the middle of commits to several adapters: each sees every version after its first, once. */
    @Test
    void noWatchMissesOrRepeatsAChangeWheneverItBegins() throws Exception {
        int rounds = 40;
        List<String> adapters = List.of("a", "b", "c");
        try (RunningStore running = new RunningStore(folder)) {
            Map<String, Long> epochs = new HashMap<>();
            adapters.forEach(name -> epochs.put(name, running.createAdapter(name)));
            List<CompletableFuture<Void>> writers = adapters.stream()
                    .map(name -> CompletableFuture.runAsync(() -> {
                        for (int seq = 1; seq <= rounds; seq++) {
                            running.commitRound(name, seq, epochs.get(name), seq - 1, name + seq);
                        }
                    }))
                    .toList();
            List<Recording> recordings = new ArrayList<>();
            List<StoreWatch> watches = new ArrayList<>();
            while (!writers.stream().allMatch(CompletableFuture::isDone) && watches.size() < 60) {
                Recording recording = new Recording();
                recordings.add(recording);
                watches.add(running.client.watch("", recording));
                running.client.listAdapters();
            }
            writers.forEach(CompletableFuture::join);
            for (Recording recording : recordings) {
                check(recording, adapters, rounds);
            }
            watches.forEach(StoreWatch::close);
        }
    }

    private static void check(Recording recording, List<String> adapters, int rounds)
            throws InterruptedException {
        Map<String, Long> serving = new HashMap<>();
        Map<String, Long> newest = new HashMap<>();
        Set<String> finished = new HashSet<>();
        long commit = 0;
        boolean synced = false;
        while (!synced || finished.size() < adapters.size()) {
            WatchReply reply = recording.replies.poll(30, TimeUnit.SECONDS);
            assertThat(reply).as("an event while serving is %s", serving).isNotNull();
            assertThat(reply.getCommit()).isGreaterThanOrEqualTo(commit);
            commit = reply.getCommit();
            synced |= reply.hasSynced();
            if (reply.hasVersion()) {
                String name = reply.getVersion().getRef().getAdapter();
                long number = reply.getVersion().getRef().getNumber();
                if (synced) {
                    assertThat(number).isEqualTo(newest.get(name) + 1);
                }
                newest.put(name, number);
            } else if (reply.hasAlias() && reply.getAlias().getAlias().equals("serving")) {
                String name = reply.getAlias().getAdapter();
                long number = reply.getAlias().getVersion();
                assertThat(number).isEqualTo(newest.get(name));
                serving.put(name, number);
                if (number == rounds) {
                    finished.add(name);
                }
            }
        }
        assertThat(recording.interruptions).isEmpty();
    }

    @Test
    void aWatcherThatDoesNotReadIsEndedAndHoldsNobodyUp() throws Exception {
        Limits limits = new Limits(10, 8, 4, 64, 1 << 20, 1 << 20, 4 << 20, 100, 1, 8, 256, 200);
        try (RunningStore running =
                new RunningStore(folder, new StoreSettings(Retention.DEFAULT, limits))) {
            long epoch = running.createAdapter(ADAPTER);
            CompletableFuture<Throwable> ended = new CompletableFuture<>();
            RegistryGrpc.newStub(running.channel)
                    .watch(WatchRequest.getDefaultInstance(),
                            new Stalled(ended));
            for (int seq = 1; seq <= 40; seq++) {
                running.commitRound(ADAPTER, seq, epoch, seq - 1, "e" + seq);
            }
            Throwable why = ended.get(30, TimeUnit.SECONDS);
            assertThat(Status.fromThrowable(why).getCode())
                    .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(why).hasMessageContaining("begin another");

            // Its place is free again: only one watch is allowed here.
            Recording recording = new Recording();
            try (StoreWatch watch = running.client.watch(ADAPTER, recording)) {
                assertThat(recording.until(WatchReply::hasSynced)).anyMatch(r -> serves(r, 40));
            }
        }
    }

    /** Asks for one reply and never again. */
    private static final class Stalled implements ClientResponseObserver<WatchRequest, WatchReply> {
        private final CompletableFuture<Throwable> ended;

        Stalled(CompletableFuture<Throwable> ended) {
            this.ended = ended;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchRequest> call) {
            call.disableAutoRequestWithInitial(1);
        }

        @Override
        public void onNext(WatchReply reply) {}

        @Override
        public void onError(Throwable why) {
            ended.complete(why);
        }

        @Override
        public void onCompleted() {
            ended.complete(new AssertionError("completed"));
        }
    }
}
