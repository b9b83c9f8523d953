package dev.flywheel.store.core;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.api.v1.WithdrawRequest;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/** What writers ask of a store, at random and often out of date on purpose. */
final class RandomCommands {
    private static final List<String> ADAPTERS = List.of("a", "a/b", "c", "d", "e");

    private final Random random;
    private final InMemoryCommitLog maps;
    private final Consumer<byte[]> upload;
    /** What the writers believe. */
    private final Map<String, Long> epochs = new HashMap<>();

    /** @param maps what the store has come to */
    RandomCommands(Random random, InMemoryCommitLog maps, Consumer<byte[]> upload) {
        this.random = random;
        this.maps = maps;
        this.upload = upload;
    }

    /** A writer may not have heard of its epoch. */
    void acquired(AcquireEpochReply reply) {
        if (random.nextInt(3) > 0) {
            epochs.put(reply.getAdapter().getName(), reply.getEpoch());
        }
    }

    Command<?> next(int step) {
        String adapter = ADAPTERS.get(random.nextInt(ADAPTERS.size()));
        AdapterState state = maps.load().adapter(adapter);
        if (state == null) {
            return new Command.CreateAdapter(Samples.create(adapter), step);
        }
        if (!state.repairLeft().isEmpty() && random.nextInt(4) > 0) {
            return switch (random.nextInt(6)) {
                case 0 -> new Command.AcquireEpoch(Samples.epoch(adapter), step);
                case 1, 2 -> commit(state, step);
                default -> replay(state, step);
            };
        }
        if (state.manifestsFrom() > 1 && random.nextInt(12) == 0) {
            return forget(state, step);
        }
        return switch (random.nextInt(22)) {
            case 0 -> new Command.AcquireEpoch(Samples.epoch(adapter), step);
            case 1, 2, 3, 4 -> claim(state, step);
            case 5, 6, 7 -> commit(state, step);
            case 8 -> end(state, Outcome.OUTCOME_REJECTED, step);
            case 9 -> end(state, Outcome.OUTCOME_ABANDONED, step);
            case 10 -> alias(state, step);
            case 11, 12, 13 -> configure(state, step);
            case 14 -> random.nextInt(8) == 0 ? delete(state, step) : claim(state, step);
            case 15 -> random.nextInt(3) == 0 ? rollback(state, step) : claim(state, step);
            case 16 -> random.nextInt(3) == 0 ? excise(state, step) : claim(state, step);
            case 18 -> random.nextBoolean() ? readmit(state, step) : claim(state, step);
            case 17 -> new Command.ForgetWithdrawn(state.name(), step);
            case 19, 20 -> new Command.Expire(state.name(), step);
            default -> withdraw(step);
        };
    }

    private long epoch(AdapterState state) {
        return random.nextInt(8) == 0 ? random.nextInt(4)
                : epochs.getOrDefault(state.name(), state.epoch());
    }

    private long near(long value) {
        return random.nextInt(6) == 0 ? Math.max(0, value - 1 + random.nextInt(3)) : value;
    }

    private Command<?> claim(AdapterState state, int step) {
        Set<String> ids = new HashSet<>();
        for (int i = 0; i <= random.nextInt(4); i++) {
            ids.add("example " + random.nextInt(200));
        }
        PutManifestRequest.Builder request =
                Samples.manifest(state.name(), near(state.nextSeq()), epoch(state),
                        near(state.head()), ids.toArray(String[]::new)).toBuilder();
        for (Example.Builder example : request.getExamplesBuilderList()) {
            if (random.nextInt(3) == 0) { // an event that may come as another example too
                example.getFeedbackBuilder(0)
                        .setFeedbackId("example " + random.nextInt(200));
            }
        }
        return new Command.PutManifest(request.build(), step);
    }

    private Command<?> replay(AdapterState state, int step) {
        return new Command.PutReplay(PutReplayRequest.newBuilder()
                .setAdapter(state.name())
                .setSeq(near(state.nextSeq()))
                .setEpoch(epoch(state))
                .setParent(near(state.head()))
                .setBackend("cpu")
                .build(), step);
    }

    private Command<?> rollback(AdapterState state, int step) {
        return new Command.Rollback(RollbackRequest.newBuilder()
                .setAdapter(state.name())
                .setVersion(Math.max(0, state.lastVersion() - random.nextInt(6)))
                .setExpectedHead(near(state.head()))
                .setActor("operator")
                .build(), step);
    }

    private Command<?> excise(AdapterState state, int step) {
        ExciseRequest.Builder request = ExciseRequest.newBuilder()
                .setAdapter(state.name())
                .setExpectedHead(near(state.head()))
                .setActor("operator");
        for (int i = 0; i <= random.nextInt(2); i++) {
            request.addVersions(Math.max(0, state.lastVersion() - random.nextInt(6)));
        }
        return new Command.Excise(request.build(), step);
    }

    private Command<?> readmit(AdapterState state, int step) {
        List<Long> out = maps.versionsBefore(state.name(), Long.MAX_VALUE, 1_000)
                .stream()
                .filter(each -> each.getState() == VersionState.VERSION_STATE_ROLLED_BACK)
                .map(each -> each.getRef().getNumber())
                .toList();
        return new Command.Readmit(ReadmitRequest.newBuilder()
                .setAdapter(state.name())
                .setExpectedHead(near(state.head()))
                .setActor("operator")
                .addVersions(out.isEmpty() || random.nextInt(6) == 0 ? state.head()
                        : out.get(random.nextInt(out.size())))
                .build(), step);
    }

    private long someSeq(AdapterState state) {
        List<Long> open = new ArrayList<>(state.open().keySet());
        return open.isEmpty() || random.nextInt(6) == 0 ? random.nextInt(10)
                : open.get(random.nextInt(open.size()));
    }

    private Command<?> commit(AdapterState state, int step) {
        byte[] weights = Samples.bytes("weights " + random.nextInt(40));
        byte[] optimizer = Samples.bytes("optimizer " + random.nextInt(1000));
        if (random.nextInt(10) > 0) {
            upload.accept(weights);
            upload.accept(optimizer);
        }
        long seq = someSeq(state);
        return new Command.PutOutcome(
                Samples.committed(state.name(), seq, epoch(state), weights, optimizer)
                        .toBuilder()
                        .addAllUntrainable(untrainable(state.name(), seq))
                        .build(),
                step);
    }

    /** Mostly none; else some of the manifest's examples, and at times one that is not. */
    private List<UntrainableExample> untrainable(String adapter, long seq) {
        List<UntrainableExample> some = new ArrayList<>();
        Manifest manifest = maps.manifest(adapter, seq);
        if (manifest != null && random.nextInt(3) == 0) {
            for (Example example : manifest.getExamplesList()) {
                if (random.nextBoolean()) {
                    some.add(Samples.untrainable("any")
                            .toBuilder()
                            .setExampleId(example.getExampleId())
                            .build());
                }
            }
        }
        if (random.nextInt(20) == 0) {
            some.add(Samples.untrainable("of no manifest"));
        }
        return some;
    }

    private Command<?> end(AdapterState state, Outcome outcome, int step) {
        return new Command.PutOutcome(
                Samples.ended(state.name(), someSeq(state), epoch(state), outcome), step);
    }

    private Command<?> alias(AdapterState state, int step) {
        String name = List.of("serving", "canary", "mine", "one-more").get(random.nextInt(4));
        AliasRecord alias = state.alias(name);
        long version = Math.max(0, state.lastVersion() - random.nextInt(4));
        return new Command.SetAlias(Samples.alias(state.name(), name, version,
                near(alias == null ? 0 : alias.getRevision())), step);
    }

    private Command<?> configure(AdapterState state, int step) {
        ConfigureAdapterRequest.Builder request = ConfigureAdapterRequest.newBuilder()
                .setName(state.name())
                .setExpectedRevision(near(state.record().getRevision()))
                .setActor("operator");
        if (random.nextBoolean()) {
            request.setRound(state.record()
                    .getRound()
                    .toBuilder()
                    .setReplayShare(random.nextInt(3))
                    .setReplayManifests(random.nextInt(6))
                    .setExamplesMax(1 + random.nextInt(8)));
        }
        if (random.nextBoolean()) {
            request.getLearningBuilder().getClickBuilder().setWeight(1 + random.nextInt(2));
        }
        if (random.nextInt(4) == 0) {
            request.setRelease(ReleasePolicy.forNumber(1 + random.nextInt(2)));
        }
        return new Command.ConfigureAdapter(request.build(), step);
    }

    private Command<?> delete(AdapterState state, int step) {
        return new Command.DeleteAdapter(DeleteAdapterRequest.newBuilder()
                .setName(state.name())
                .setExpectedRevision(near(state.record().getRevision()))
                .setActor("operator")
                .build(), step);
    }

    private Command<?> withdraw(int step) {
        String id = "example " + random.nextInt(200);
        return random.nextBoolean()
                ? new Command.Withdraw(Set.of(new Tombstone.OfFeedback("web", id)), step)
                : new Command.WithdrawFeedback(WithdrawRequest.newBuilder()
                        .setFeedback(FeedbackKey.newBuilder()
                                .setSource("web")
                                .setFeedbackId(id))
                        .build(), step);
    }

    /** As if somebody had taught one of the oldest rounds alone. */
    private Command<?> forget(AdapterState state, int step) {
        Set<Long> oldest = Set.of(random.nextLong(1, 1 + Math.min(4, state.nextSeq())));
        return new Command.Forget(state.name(), oldest, Set.of(), random.nextBoolean(),
                "operator", "", step);
    }
}
