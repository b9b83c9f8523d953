package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.local.LocalNode;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What failed calls say, of this row and of those before it: nothing of the machine, the code, or what users wrote. */
final class ErrorLeaks implements AbuseRow {
    private static final String CANARY = "canary-7f3a";
    private static final int SHOWN = 3;

    @Override
    public String id() {
        return "A12";
    }

    @Override
    public String title() {
        return "what failed calls say, of all rows";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        try (LocalNode node = arena.node(Map.of("serving.text_chars_max", 100))) {
            fail(arena, arena.inference(node));
        }
        Pattern leak = Pattern.compile(Pattern.quote(CANARY) + "|"
                + Pattern.quote(arena.root().toString()) + "|"
                + Pattern.quote(System.getProperty("user.home") + "/")
                + "|\\b(dev\\.flywheel|io\\.grpc|java\\.(lang|util|io)|org\\.rocksdb)\\."
                + "|Exception|\\.java:\\d|\\bat [a-z]+\\.[a-z]+\\.");
        List<String> leaks = arena.statuses()
                .said()
                .stream()
                .filter(said -> leak.matcher(said).find())
                .toList();
        int said = arena.statuses().said().size();
        return Finding.of(leaks.isEmpty() && said > 0,
                Map.of("failedCalls", arena.statuses().calls(), "texts", said, "leaks", leaks),
                "%,d failed calls said %,d different things: leaks %d%s",
                arena.statuses().calls(), said, leaks.size(), leaks.isEmpty() ? ""
                        : " " + leaks.stream().limit(SHOWN).toList());
    }

    private static void fail(Arena arena, InferenceGrpc.InferenceBlockingStub stub) {
        String text = CANARY.repeat(20);
        RequestScope canary = RequestScope.newBuilder().setUser(CANARY).build();
        List<Runnable> calls = List.of(
                () -> stub.generate(GenerateRequest.newBuilder()
                        .setScope(canary)
                        .setPrompt(text)
                        .build()).forEachRemaining(reply -> {}),
                () -> stub.generate(GenerateRequest.newBuilder()
                        .setPrompt(CANARY)
                        .setSampling(SamplingParams.newBuilder().setTemperature(-1))
                        .build()).forEachRemaining(reply -> {}),
                () -> stub.generate(GenerateRequest.newBuilder()
                        .setPrompt(CANARY)
                        .addStop(text)
                        .build()).forEachRemaining(reply -> {}),
                () -> stub.rank(RankRequest.newBuilder()
                        .setContext(CANARY)
                        .addCandidates(Candidate.newBuilder().setId(text).setText(CANARY))
                        .build()),
                () -> stub.rank(RankRequest.newBuilder()
                        .setContext(CANARY)
                        .addCandidates(Candidate.newBuilder().setId(CANARY).setText("a"))
                        .addCandidates(Candidate.newBuilder().setId(CANARY).setText("b"))
                        .build()),
                () -> stub.score(ScoreRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setAdapter("abuse/none"))
                        .setPrompt(CANARY)
                        .addContinuations(CANARY)
                        .build()),
                () -> stub.score(ScoreRequest.newBuilder().setPrompt(CANARY).build()));
        calls.forEach(call -> {
            Refused unused = Refused.of(arena, call);
        });
    }
}
