package dev.flywheel.app.abuse;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Status;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreReply;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Extreme numbers in every pair of numeric fields: refused by name, or answered soundly. */
final class ExtremeParameters implements AbuseRow {
    private static final String ADAPTER = "abuse/extreme";
    private static final int FAILURES_SHOWN = 5;

    /** What came of the cases. */
    private static final class Book {
        private final Map<Code, Integer> codes = new TreeMap<>();
        private final List<String> wrong = new ArrayList<>();
        private final List<Long> refusedNanos = new ArrayList<>();
    }

    private record Case(Message request, List<ExtremeNumbers.Value> values) {}

    @Override
    public String id() {
        return "A02";
    }

    @Override
    public String title() {
        return "extreme numbers in every pair of numeric fields";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        try (LocalNode node = arena.node(Map.of("serving.tokens_default", 8,
                "serving.tokens_max", 16))) {
            arena.adapter(node, ADAPTER, arena.seed());
            List<Case> cases = cases(arena);
            InferenceGrpc.InferenceBlockingStub stub =
                    InferenceGrpc.newBlockingStub(arena.channel(node));
            Book book = new Book();
            for (int i = 0; i < cases.size(); i++) {
                arena.step(i, cases.size());
                ask(arena, node, stub, cases.get(i), book);
            }
            Percentiles refused = Percentiles.ofNanos(
                    book.refusedNanos.stream().mapToLong(Long::longValue).toArray());
            return Finding.of(book.wrong.isEmpty() && node.leases() == 0,
                    Map.of("cases", cases.size(), "codes", book.codes, "wrong", book.wrong,
                            "refusedMillis", refused),
                    "%,d cases: %s; wrong %d%s; p99 %.0f us to refuse", cases.size(), book.codes,
                    book.wrong.size(),
                    book.wrong.isEmpty() ? ""
                            : " " + book.wrong.stream()
                                    .limit(FAILURES_SHOWN)
                                    .toList(),
                    1e3 * refused.p99());
        }
    }

    private static List<Case> cases(Arena arena) {
        RequestScope scope = RequestScope.newBuilder().setAdapter(ADAPTER).build();
        List<Case> all = new ArrayList<>();
        all.addAll(pairs(GenerateRequest.newBuilder().setScope(scope).setPrompt("a").build()));
        all.addAll(pairs(RankRequest.newBuilder()
                .setScope(scope)
                .addCandidates(Candidate.newBuilder().setId("x").setText("a"))
                .addCandidates(Candidate.newBuilder().setId("y").setText("b"))
                .build()));
        all.addAll(pairs(ScoreRequest.newBuilder()
                .setScope(scope)
                .setPrompt("a")
                .addContinuations("b")
                .build()));
        SeededRandom random = arena.random("cases");
        int most = arena.scaled(400, Integer.MAX_VALUE);
        while (all.size() > most) {
            all.set(random.nextInt(all.size()), all.getLast());
            all.removeLast();
        }
        return all;
    }

    private static List<Case> pairs(Message base) {
        List<List<ExtremeNumbers.Value>> fields = ExtremeNumbers.of(base);
        List<Case> cases = new ArrayList<>();
        for (int one = 0; one < fields.size(); one++) {
            for (int two = one + 1; two < fields.size(); two++) {
                for (ExtremeNumbers.Value first : fields.get(one)) {
                    for (ExtremeNumbers.Value second : fields.get(two)) {
                        Message.Builder request = base.toBuilder();
                        first.put(request);
                        second.put(request);
                        cases.add(new Case(request.build(), List.of(first, second)));
                    }
                }
            }
        }
        return cases;
    }

    private static void ask(Arena arena, LocalNode node,
            InferenceGrpc.InferenceBlockingStub stub, Case asked, Book book) {
        long start = arena.now();
        Code code = Code.OK;
        String wrong = "";
        try {
            wrong = sound(answer(stub, asked.request()), node.tokenizer().vocabSize())
                    ? ""
                    : "an unsound answer";
        } catch (StatusRuntimeException refused) {
            code = refused.getStatus().getCode();
            wrong = refusedWell(refused, asked) ? "" : String.valueOf(refused.getMessage());
            book.refusedNanos.add(arena.now() - start);
        }
        book.codes.merge(code, 1, Integer::sum);
        if (!wrong.isEmpty()) {
            book.wrong.add(asked.values() + ": " + wrong);
        }
    }

    private static List<Message> answer(InferenceGrpc.InferenceBlockingStub stub,
            Message request) {
        List<Message> replies = new ArrayList<>();
        switch (request) {
            case GenerateRequest generate -> {
                Iterator<GenerateReply> stream = stub.generate(generate);
                stream.forEachRemaining(replies::add);
            }
            case RankRequest rank -> replies.add(stub.rank(rank));
            case ScoreRequest score -> replies.add(stub.score(score));
            default -> throw new IllegalArgumentException("no such request");
        }
        return replies;
    }

    private static boolean sound(List<Message> replies, int vocabulary) {
        return !replies.isEmpty() && replies.stream().allMatch(reply -> switch (reply) {
            case GenerateReply said -> said.getTokenIdsList()
                    .stream()
                    .allMatch(id -> id >= 0 && id < vocabulary)
                    && said.getLogProbsList()
                            .stream()
                            .allMatch(each -> each.getLogProb() <= 0);
            case RankReply ranked -> ranked.getItemsList()
                    .stream()
                    .allMatch(item -> Float.isFinite(item.getScore())
                            && item.getPropensity() >= 0 && item.getPropensity() <= 1);
            case ScoreReply scored -> scored.getScoresList()
                    .stream()
                    .allMatch(each -> each.getLogProb() <= 0);
            default -> false;
        });
    }

    /** A number that nobody serves may also be a version that is not there. */
    private static boolean refusedWell(StatusRuntimeException refused, Case asked) {
        List<String> fields = asked.values().stream().map(ExtremeNumbers.Value::field).toList();
        return switch (refused.getStatus().getCode()) {
            case INVALID_ARGUMENT -> fields.contains(named(refused));
            case NOT_FOUND -> fields.contains("scope.version_number");
            default -> false;
        };
    }

    private static String named(StatusRuntimeException refused) {
        Status status = StatusProto.fromThrowable(refused);
        return status == null ? ""
                : status.getDetailsList()
                        .stream()
                        .filter(detail -> detail.is(BadRequest.class))
                        .map(detail -> {
                            try {
                                return detail.unpack(BadRequest.class)
                                        .getFieldViolations(0)
                                        .getField();
                            } catch (InvalidProtocolBufferException e) {
                                return "";
                            }
                        })
                        .findFirst()
                        .orElse("");
    }
}
