package dev.flywheel.serving.runner;

import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.Operation;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.SequenceGroup;
import dev.flywheel.serving.scheduler.Slice;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Continues a prompt token by token and hands each to a sink as it comes. Reads nothing back from the
 * sink: what a slow reader has not read is bounded by the answer's own length.
 */
public final class AnswerJob extends Job {
    private final Sampler sampler;
    private final Set<Integer> eosIds;
    private final StreamDecoder decoder;
    private final StopScanner stops;
    private final AnswerSink sink;
    private final ServingMetrics metrics;
    private final int[] ids;
    private final float[] drawn;
    private final int topTokens;
    private int count;
    private double logProb;
    private long tokenAt;
    private long firstAt;
    private Answer.Ending ending = Answer.Ending.LENGTH;

    /**
     * What is to be generated.
     *
     * @param tokensMax at least 1
     * @param eosIds tokens that end the answer
     * @param topTokens of so many most probable tokens in each place the sink is told
     */
    public record Order(
            int[] prompt,
            int tokensMax,
            Sampling sampling,
            Set<Integer> eosIds,
            List<String> stops,
            int topTokens) {}

    public AnswerJob(String tenant, Order order, StreamDecoder decoder, AnswerSink sink,
            ServingMetrics metrics, Lease lease, long startedNanos, long deadlineNanos) {
        super(SequenceGroup.growing(tenant, order.prompt(), order.tokensMax() - 1), lease,
                deadlineNanos);
        this.sampler = new Sampler(order.sampling(), order.prompt());
        this.eosIds = Set.copyOf(order.eosIds());
        this.decoder = decoder;
        this.stops = new StopScanner(order.stops());
        this.sink = sink;
        this.metrics = metrics;
        this.ids = new int[order.tokensMax()];
        this.drawn = new float[order.tokensMax()];
        this.topTokens = order.topTokens();
        this.tokenAt = startedNanos;
    }

    @Override
    void count(ServingMetrics metrics) {
        metrics.finished(Operation.GENERATE, version(), group().inputTokens(), this.count);
    }

    @Override
    Wanted wanted(Slice slice) {
        return slice.last() ? Wanted.LAST : Wanted.NONE;
    }

    @Override
    void read(Slice slice, Logits logits, int firstRow, long nanos) {
        if (!slice.last()) {
            return;
        }
        Sampler.Choice choice = sampler.sample(logits, firstRow);
        int id = choice.id();
        double tokenLogProb = logits.logProb(firstRow, id);
        if (!Double.isFinite(tokenLogProb) || !Double.isFinite(choice.logProb())) {
            throw ServingException.of(ErrorCode.INTERNAL,
                    "the model's probability of token " + count + " is not a number");
        }
        logProb += tokenLogProb;
        drawn[count] = (float) choice.logProb();
        ids[count++] = id;
        note(nanos);
        if (eosIds.contains(id)) {
            ending = Answer.Ending.EOS;
            return;
        }
        sink.token(new DrawnToken(id, tokenLogProb, top(logits, firstRow)),
                stops.push(decoder.push(id)));
        if (stops.stopped()) {
            ending = Answer.Ending.STOP;
        } else if (count < ids.length) {
            slice.sequence().append(id);
        }
    }

    private List<DrawnToken.Chance> top(Logits logits, int row) {
        if (topTokens == 0) {
            return List.of();
        }
        return Arrays.stream(Sampler.byScore(logits.copyRow(row)))
                .limit(topTokens)
                .mapToObj(id -> new DrawnToken.Chance(id, logits.logProb(row, id)))
                .toList();
    }

    private void note(long nanos) {
        if (count == 1) {
            metrics.firstToken(version(), nanos - tokenAt);
            firstAt = nanos;
        } else {
            metrics.nextToken(nanos - tokenAt);
        }
        tokenAt = nanos;
    }

    @Override
    void finish() {
        if (count > 1) {
            metrics.perToken(version(), (tokenAt - firstAt) / (count - 1));
        }
        String rest = stops.push(decoder.finish());
        if (stops.stopped()) {
            ending = Answer.Ending.STOP;
        }
        int text = ending == Answer.Ending.EOS ? count - 1 : count;
        sink.end(new Answer(ending, Arrays.copyOf(ids, count), Arrays.copyOf(drawn, count), logProb,
                rest + stops.finish(),
                text));
    }

    @Override
    void fail(ServingException why) {
        sink.fail(why);
    }
}
