package dev.flywheel.app.demo;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;

/**
 * Readers who ask for slates and click by taste, on three arms: the learning adapter, the frozen base and popularity.
 *
 * <p>Each arm ranks the same candidates for the same reader, and the reader's luck (looks and slips) is drawn from the
 * same seed. Only the learning arm's clicks are sent as feedback; popularity learns from its own. Request n is the same
 * in every run of a seed. Thread-safe: several threads call {@link #ask}.
 */
final class ReaderTraffic {
    private static final int SLATE = 2;

    private final Settings settings;
    private final NodeClient node;
    private final Readers readers;
    private final LoopLatency latency;
    private final LongSupplier nanos;
    private final Popularity popularity = new Popularity();
    final ArmClicks learned = new ArmClicks();
    final ArmClicks frozen = new ArmClicks();
    final ArmClicks popular = new ArmClicks();

    /** Which adapter learns, and when tastes drift, in seconds after the start. */
    record Settings(String adapter, long seed, double driftAtSeconds, long startNanos) {}

    ReaderTraffic(
            Settings settings,
            NodeClient node,
            Readers readers,
            LoopLatency latency,
            LongSupplier nanos) {
        this.settings = settings;
        this.node = node;
        this.readers = readers;
        this.latency = latency;
        this.nanos = nanos;
    }

    /** Makes request {@code number} on all arms. */
    void ask(long number) {
        SplittableRandom random = new SplittableRandom(settings.seed * 1_000_003 + number);
        Readers.Reader reader = readers.draw(random);
        List<Readers.Item> items = readers.candidates(random);
        long luck = random.nextLong();
        askLearned(number, reader, items, luck);
        askFrozen(reader, items, luck);
        askPopularity(reader, items, luck);
    }

    /** Asks the learning arm once, outside the measure of clicks. */
    void askUncounted() {
        SplittableRandom random = new SplittableRandom(settings.seed);
        Readers.Reader reader = readers.draw(random);
        node.rank(settings.adapter, reader.user(), reader.context(),
                candidates(readers.candidates(random)), SLATE)
                .ifPresent(reply -> latency.answered(reply.getVersion().getNumber(),
                        nanos.getAsLong()));
    }

    private void askLearned(long number, Readers.Reader reader, List<Readers.Item> items,
            long luck) {
        node.rank(settings.adapter, reader.user(), reader.context(), candidates(items), SLATE)
                .ifPresent(reply -> click(number, reader, items, reply, luck));
    }

    private void click(
            long number, Readers.Reader reader, List<Readers.Item> items, RankReply reply,
            long luck) {
        latency.answered(reply.getVersion().getNumber(), nanos.getAsLong());
        int place = clicked(reader, slate(items, reply), luck);
        learned.add(seconds(), place >= 0);
        if (place >= 0 && !reply.getFeedbackToken().isEmpty()) {
            Signal signal =
                    Signal.newBuilder()
                            .setClick(
                                    Click.newBuilder()
                                            .setCandidateId(reply.getItems(place).getCandidateId()))
                            .build();
            String id = "click-" + number;
            node.send(reply.getFeedbackToken(), id, reader.user(), signal)
                    .ifPresent(sent -> latency.acknowledged(id, nanos.getAsLong()));
        }
    }

    private void askFrozen(Readers.Reader reader, List<Readers.Item> items, long luck) {
        node.rank("", reader.user(), reader.context(), candidates(items), SLATE)
                .ifPresent(
                        reply -> frozen.add(seconds(),
                                clicked(reader, slate(items, reply), luck) >= 0));
    }

    private void askPopularity(Readers.Reader reader, List<Readers.Item> items, long luck) {
        List<Integer> order =
                popularity.rank(items.stream().map(Readers.Item::id).toList()).subList(0, SLATE);
        List<Readers.Item> slate = order.stream().map(items::get).toList();
        int place = clicked(reader, slate, luck);
        popular.add(seconds(), place >= 0);
        int looked = place >= 0 ? place + 1 : SLATE;
        for (int i = 0; i < looked; i++) {
            popularity.learn(slate.get(i).id(), i == place);
        }
    }

    private int clicked(Readers.Reader reader, List<Readers.Item> slate, long luck) {
        boolean drifted = seconds() >= settings.driftAtSeconds;
        List<String> topics = slate.stream().map(Readers.Item::topic).toList();
        return readers.click(reader, drifted, topics, new SplittableRandom(luck));
    }

    private static List<Readers.Item> slate(List<Readers.Item> items, RankReply reply) {
        List<Readers.Item> slate = new ArrayList<>();
        for (RankedItem item : reply.getItemsList()) {
            slate.add(items.get(item.getIndex()));
        }
        return slate;
    }

    private static List<Candidate> candidates(List<Readers.Item> items) {
        return items.stream()
                .map(item -> Candidate.newBuilder().setId(item.id()).setText(item.text()).build())
                .toList();
    }

    double seconds() {
        return (nanos.getAsLong() - settings.startNanos) / 1e9;
    }
}
