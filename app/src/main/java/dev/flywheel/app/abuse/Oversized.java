package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Messages and headers that are larger than a node takes. */
final class Oversized implements AbuseRow {
    private static final int PROMPT = 5 << 20;
    private static final int HEADER = 64 << 10;
    /** Until each of the transport's threads has its buffers. */
    private static final int ROUNDS = 3;
    private static final Set<String> REFUSED = Set.of("RESOURCE_EXHAUSTED");
    /** The transport at both ends keeps some buffers of such a size for the next one. */
    private static final double MIB_MOST = 32;

    @Override
    public String id() {
        return "A01";
    }

    @Override
    public String title() {
        return "messages and headers that are too large";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int times = arena.scaled(10, 200);
        try (LocalNode node = arena.node(Map.of())) {
            Map<String, Integer> large = new TreeMap<>();
            Map<String, Integer> headers = new TreeMap<>();
            for (int i = 0; i < ROUNDS; i++) {
                ask(arena, node, times, large, headers);
            }
            long before = Memory.held();
            ask(arena, node, times, large, headers);
            double mib = (Memory.held() - before) / (double) (1 << 20);
            Refused after = Refused.of(arena, () -> generate(arena.inference(node), "a"));
            boolean held = large.keySet().equals(REFUSED) && headers.keySet().equals(REFUSED)
                    && after.code() == Status.Code.OK
                    && mib <= MIB_MOST;
            return Finding.of(held,
                    Map.of("times", times, "large", large, "headers", headers, "mibAfter", mib),
                    "%d prompts of 5 MiB: %s; %d headers of 64 KiB: %s; memory %+.2f MiB from the last of %d rounds; the node answers",
                    (ROUNDS + 1) * times, large, (ROUNDS + 1) * times, headers, mib, ROUNDS + 1);
        }
    }

    private static void ask(Arena arena, LocalNode node, int times, Map<String, Integer> large,
            Map<String, Integer> headers) {
        String prompt = "x".repeat(PROMPT);
        Metadata metadata = new Metadata();
        metadata.put(Metadata.Key.of("x-large", Metadata.ASCII_STRING_MARSHALLER),
                "x".repeat(HEADER));
        for (int i = 0; i < times; i++) {
            arena.step(i, times);
            large.merge(Refused.of(arena, () -> generate(arena.inference(node), prompt))
                    .code()
                    .name(), 1, Integer::sum);
            headers.merge(Refused.of(arena, () -> generate(arena.inference(node)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata)), "a"))
                    .code()
                    .name(), 1, Integer::sum);
        }
    }

    private static void generate(InferenceGrpc.InferenceBlockingStub stub, String prompt) {
        stub.generate(GenerateRequest.newBuilder().setPrompt(prompt).setMaxTokens(1).build())
                .forEachRemaining(reply -> {});
    }
}
