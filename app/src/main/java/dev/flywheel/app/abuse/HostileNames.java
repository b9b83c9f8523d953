package dev.flywheel.app.abuse;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Paths, addresses, control characters and endless strings where a name belongs. */
final class HostileNames implements AbuseRow {
    private static final String MARK = "hostile-mark";
    private static final int LONG = 10_000;
    private static final List<String> PIECES = List.of("../", "..\\", "/etc/passwd", "\u0000",
            "\n", "\r\n", "%2e%2e%2f", "file:///", "http://[::1]/", "\u202e", "\ufeff", "\u0301",
            "\ud83d\ude00", "A", " ", ";", "$(id)", "`id`", "'", "\"", "<", "{}", "%s", "%n", "_",
            ".", "-", "//", "\t", "\u2028", "~", "*", "C:\\", "NUL", "\u00e9", "\uff0e");

    @Override
    public String id() {
        return "A11";
    }

    @Override
    public String title() {
        return "paths, addresses and control characters as names";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        List<String> names = names(arena.random("names"), arena.scaled(60, 500));
        try (LocalNode node = arena.node(Map.of())) {
            Set<String> before = files(arena.root());
            Map<String, Integer> codes = new TreeMap<>();
            List<String> wrong = new ArrayList<>();
            int cases = 0;
            for (String name : names) {
                for (var way : ways(arena, node).entrySet()) {
                    Status.Code code = tried(arena, () -> way.getValue().accept(name));
                    codes.merge(code.name(), 1, Integer::sum);
                    if (code != Status.Code.INVALID_ARGUMENT && code != Status.Code.NOT_FOUND) {
                        wrong.add(way.getKey() + " " + code);
                    }
                }
                arena.step(++cases, names.size() + 1L);
            }
            Set<String> made = files(arena.root());
            made.removeAll(before);
            made.removeIf(path -> path.startsWith(
                    arena.folder().getFileName() + "/node") && !path.contains(MARK));
            return Finding.of(wrong.isEmpty() && made.isEmpty(),
                    Map.of("names", names.size(), "codes", codes, "wrong", wrong, "files", made),
                    "%,d names in %d places: %s; files outside the data folder or of such a name %d; wrong %s",
                    names.size(), ways(arena, node).size(), codes, made.size(),
                    wrong.stream().distinct().toList());
        }
    }

    private static List<String> names(SeededRandom random, int count) {
        List<String> names = new ArrayList<>(List.of("../" + MARK, "../../" + MARK,
                "/tmp/" + MARK, "a/../../" + MARK, "a".repeat(LONG), "\u00e9".repeat(LONG),
                "http://127.0.0.1/" + MARK, "a/b/c", "news/", "/news", "NEWS"));
        while (names.size() < count) {
            StringBuilder name = new StringBuilder(random.pick(PIECES));
            for (int i = random.nextInt(4); i >= 0; i--) {
                name.append(random.chance(0.5) ? MARK : random.pick(PIECES));
            }
            names.add(name.toString());
        }
        return names;
    }

    /** Every field that takes a name, by what errors call it. */
    private static Map<String, Consumer<String>> ways(Arena arena, LocalNode node) {
        InferenceGrpc.InferenceBlockingStub stub = arena.inference(node);
        StoreClient store = node.store();
        Map<String, Consumer<String>> ways = new LinkedHashMap<>();
        ways.put("scope.adapter", name -> score(stub, scope().setAdapter(name)));
        ways.put("scope.alias", name -> score(stub, scope().setAdapter("a").setAlias(name)));
        ways.put("scope.tenant", name -> score(stub, scope().setTenant(name)));
        ways.put("create.name", name -> store.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setBaseDigest(node.base().digest().hex())
                .build()));
        ways.put("create.tenant", name -> store.createAdapter(CreateAdapterRequest.newBuilder()
                .setName("abuse/named")
                .setTenant(name)
                .setBaseDigest(node.base().digest().hex())
                .build()));
        ways.put("create.start_digest",
                name -> store.createAdapter(CreateAdapterRequest.newBuilder()
                        .setName("abuse/named")
                        .setBaseDigest(node.base().digest().hex())
                        .setStartDigest(name)
                        .build()));
        ways.put("get.name", store::getAdapter);
        ways.put("delete.name", name -> store.deleteAdapter(
                DeleteAdapterRequest.newBuilder().setName(name).setExpectedRevision(1).build()));
        ways.put("alias.adapter", name -> store.setAlias(SetAliasRequest.newBuilder()
                .setAdapter(name)
                .setAlias("serving")
                .build()));
        ways.put("versions.adapter", name -> store.getVersion(name, 0));
        ways.put("blob.digest", store::getBlob);
        return ways;
    }

    private static RequestScope.Builder scope() {
        return RequestScope.newBuilder();
    }

    private static void score(InferenceGrpc.InferenceBlockingStub stub,
            RequestScope.Builder scope) {
        var unused = stub.score(ScoreRequest.newBuilder()
                .setScope(scope)
                .setPrompt("a")
                .addContinuations("b")
                .build());
    }

    private static Status.Code tried(Arena arena, Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (StatusRuntimeException refused) {
            Metadata trailers = refused.getTrailers();
            arena.statuses()
                    .add(refused.getStatus(),
                            trailers == null ? new Metadata() : trailers);
            return refused.getStatus().getCode();
        }
    }

    private static Set<String> files(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(file -> folder.relativize(file).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
