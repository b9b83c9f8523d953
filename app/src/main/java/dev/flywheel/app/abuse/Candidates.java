package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Lists of candidates from none to far too many, and one that is far too long. */
final class Candidates implements AbuseRow {
    private static final int LONG = 1_000_000;

    @Override
    public String id() {
        return "A03";
    }

    @Override
    public String title() {
        return "lists of candidates from none to far too many";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        Map<String, RankRequest> cases = new LinkedHashMap<>();
        for (int count : List.of(0, 1, 1_000, 50_000, 100_000)) {
            cases.put(String.format(java.util.Locale.ROOT, "%,d", count), ranked(count, "t"));
        }
        cases.put("one of 1 MB", ranked(1, "x".repeat(LONG)));
        try (LocalNode node = arena.node(Map.of())) {
            Map<String, Refused> ends = new LinkedHashMap<>();
            for (int round = 0; round < 3; round++) {
                cases.forEach((name, request) -> ends.put(name, Refused.of(arena, () -> {
                    var unused = arena.inference(node).rank(request);
                })));
            }
            List<String> said = new ArrayList<>();
            ends.forEach((name, end) -> said.add("%s: %s %.1f ms".formatted(name, end.code(),
                    end.millis())));
            boolean held = ends.entrySet().stream().allMatch(each -> switch (each.getKey()) {
                case "1" -> each.getValue().code() == Code.OK;
                case "100,000" -> each.getValue().code() == Code.RESOURCE_EXHAUSTED;
                default -> each.getValue().code() == Code.INVALID_ARGUMENT
                        && each.getValue().text().contains("candidates");
            });
            return Finding.of(held, Map.of("ends", ends), "candidates %s", said);
        }
    }

    private static RankRequest ranked(int count, String text) {
        return RankRequest.newBuilder()
                .addAllCandidates(IntStream.range(0, count)
                        .mapToObj(i -> Candidate.newBuilder().setId("c" + i).setText(text).build())
                        .toList())
                .build();
    }
}
