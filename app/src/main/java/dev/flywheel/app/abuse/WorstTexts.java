package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.local.LocalNode;
import dev.flywheel.engine.tokenizer.Tokenizer;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Texts that tokenizers choke on, and texts that spell control tokens. */
final class WorstTexts implements AbuseRow {
    private static final int WIRE_CHARS = 60_000;
    private static final double MILLIS_PER_KIB_MOST = 50;

    @Override
    public String id() {
        return "A15";
    }

    @Override
    public String title() {
        return "texts that tokenizers choke on";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int chars = arena.scaled(100_000, 1_000_000);
        try (LocalNode node = arena.node(Map.of("server.message_bytes_max", 4 << 20))) {
            Tokenizer tokenizer = node.tokenizer();
            List<String> controls = controls(tokenizer);
            Map<String, Double> millis = new LinkedHashMap<>();
            int injected = 0;
            int cases = 0;
            for (var each : pieces(controls).entrySet()) {
                String text = each.getValue().repeat(chars / each.getValue().length());
                long start = arena.now();
                int[] ids = tokenizer.encode(text);
                millis.put(each.getKey(), (arena.now() - start) / 1e6 / (text.length() / 1024.0));
                injected += controlsIn(tokenizer, ids)
                        - controlsIn(tokenizer, tokenizer.encode("a"));
                arena.step(++cases, 20);
            }
            Map<String, Integer> codes = new TreeMap<>();
            double slowest = 0;
            for (String piece : pieces(controls).values()) {
                Refused end = Refused.of(arena, () -> score(arena, node,
                        piece.repeat(WIRE_CHARS / piece.length())));
                codes.merge(end.code().name(), 1, Integer::sum);
                slowest = Math.max(slowest, end.millis());
            }
            double worst = millis.values().stream().mapToDouble(each -> each).max().orElse(0);
            boolean held = injected == 0 && worst <= MILLIS_PER_KIB_MOST && !controls.isEmpty()
                    && codes.keySet()
                            .stream()
                            .allMatch(code -> code.equals("OK")
                                    || code.equals(Code.INVALID_ARGUMENT.name()));
            return Finding.of(held,
                    Map.of("chars", chars, "millisPerKib", millis, "injections", injected,
                            "controls", controls, "wire", codes, "wireSlowestMillis", slowest),
                    "%d texts of %,d characters: at most %.3f ms per KB (%s); control tokens from text that spells %s: %d; 64 KB over gRPC: %s, at most %.0f ms",
                    millis.size(), chars, worst, slowestOf(millis), controls, injected, codes,
                    slowest);
        }
    }

    private static String slowestOf(Map<String, Double> millis) {
        return millis.entrySet()
                .stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow()
                .getKey();
    }

    private static List<String> controls(Tokenizer tokenizer) {
        return IntStream.range(0, tokenizer.vocabSize())
                .filter(tokenizer::isControl)
                .mapToObj(id -> tokenizer.decode(new int[] {id}, false))
                .filter(text -> !text.isEmpty())
                .toList();
    }

    private static int controlsIn(Tokenizer tokenizer, int[] ids) {
        return (int) IntStream.of(ids).filter(tokenizer::isControl).count();
    }

    private static Map<String, String> pieces(List<String> controls) {
        Map<String, String> pieces = new LinkedHashMap<>(Map.of("one letter", "a", "blanks", " ",
                "combining marks", "e\u0301\u0302\u0303", "emoji", "\ud83d\udc69\u200d\ud83d\udcbb",
                "zeros", "\u0000", "lone surrogates", "\ud800x", "new lines", "\n", "digits",
                "1234567890"));
        List<String> spelled = new ArrayList<>(controls);
        for (int i = 0; i < spelled.size(); i++) {
            pieces.put("control " + i, spelled.get(i));
            pieces.put("control in words " + i, "a" + spelled.get(i) + "b ");
        }
        return pieces;
    }

    private static void score(Arena arena, LocalNode node, String prompt) {
        var unused = arena.inference(node)
                .score(
                        ScoreRequest.newBuilder().setPrompt(prompt).addContinuations("b").build());
    }
}
