package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.serving.harness.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Beginnings that were read before are not read again, and only by whom they belong to. */
@Timeout(120)
class PrefixTest {
    private static final String ADAPTER = "news/ranker";
    private static final String CONTEXT = "rivers lakes seas and ".repeat(4);

    @TempDir private Path folder;
    private Node node;

    @BeforeEach
    void start() throws Exception {
        node = new Node(folder);
        node.publisher.create(ADAPTER, "default");
        node.publish(ADAPTER, node.publisher.weights(1));
        node.publish(ADAPTER, node.publisher.weights(2));
        node.ready();
    }

    @AfterEach
    void stop() throws Exception {
        assertThat(node.serving.freeBlocks()).isEqualTo(Node.DEVICE.kvBlocks());
        node.close();
    }

    private static RequestScope.Builder version(long number) {
        return RequestScope.newBuilder().setAdapter(ADAPTER).setVersionNumber(number);
    }

    private Map<String, Float> rank(RequestScope.Builder scope) {
        RankRequest.Builder request =
                RankRequest.newBuilder().setScope(scope).setContext(CONTEXT);
        for (int i = 0; i < 3; i++) {
            request.addCandidates(Candidate.newBuilder().setId("c" + i).setText("text " + i));
        }
        RankReply reply = node.inference().rank(request.build());
        return reply.getItemsList()
                .stream()
                .collect(Collectors.toMap(RankedItem::getCandidateId, RankedItem::getScore));
    }

    /** Returns how many tokens were found in the cache while the action ran. */
    private double cachedBy(Runnable action) {
        double before = node.count("flywheel.serving.prefix.cached.tokens");
        action.run();
        return node.count("flywheel.serving.prefix.cached.tokens") - before;
    }

    @Test
    void aContextThatWasReadIsNotReadAgainAndScoresTheSame() {
        Map<String, Float> first = rank(version(1));
        double cached = cachedBy(() -> assertThat(rank(version(1))).isEqualTo(first));
        assertThat(cached).isGreaterThanOrEqualTo(4.0 * Node.DEVICE.kvBlockTokens());
    }

    /** One version's beginnings are never another's, whichever way an alias moves. */
    @Test
    void backAndForthBetweenVersionsNoneAnswersFromWhatAnotherRead() {
        Map<String, Float> one = rank(version(1));
        Map<String, Float> two = new HashMap<>();
        assertThat(cachedBy(() -> two.putAll(rank(version(2))))).isZero();
        assertThat(two).isNotEqualTo(one);
        for (int i = 0; i < 5; i++) {
            assertThat(rank(version(1))).isEqualTo(one);
            assertThat(rank(version(2))).isEqualTo(two);
        }
    }

    /** What requests have in common is read with a new version before they get it. */
    @Test
    void aNewVersionHasReadWhatRequestsHaveInCommonBeforeTheyGetIt() throws Exception {
        RequestScope.Builder serving = RequestScope.newBuilder().setAdapter(ADAPTER);
        Node.until("version 2 answers", () -> versionOf(serving) == 2);
        Map<String, Float> old = rank(serving);
        long swaps = node.serving.swaps().count();
        node.publish(ADAPTER, node.publisher.weights(3));
        Node.until("version 3 answers", () -> node.serving.swaps().count() > swaps);
        Map<String, Float> first = new HashMap<>();
        assertThat(cachedBy(() -> first.putAll(rank(serving))))
                .isGreaterThanOrEqualTo(4.0 * Node.DEVICE.kvBlockTokens());
        assertThat(first).isNotEqualTo(old).isEqualTo(rank(version(3)));
    }

    private long versionOf(RequestScope.Builder scope) {
        return node.inference()
                .rank(RankRequest.newBuilder()
                        .setScope(scope)
                        .setContext(CONTEXT)
                        .addCandidates(Candidate.newBuilder().setId("c").setText("text"))
                        .build())
                .getVersion()
                .getNumber();
    }

    /** P9: what one tenant sent is not to be found out by another, by time or otherwise. */
    @Test
    void anotherTenantsBeginningsAreNotShared() {
        Map<String, Float> mine = rank(RequestScope.newBuilder().setTenant("one"));
        assertThat(cachedBy(() -> assertThat(rank(RequestScope.newBuilder().setTenant("two")))
                .isEqualTo(mine))).isZero();
        assertThat(cachedBy(() -> rank(RequestScope.newBuilder().setTenant("one")))).isPositive();
    }

    @Test
    void anAnswersOwnTokensAreABeginningTooAndSampleTheSame() {
        List<Integer> first = generate(CONTEXT);
        assertThat(cachedBy(() -> assertThat(generate(CONTEXT)).isEqualTo(first))).isPositive();
    }

    private List<Integer> generate(String prompt) {
        List<Integer> ids = new ArrayList<>();
        node.inference()
                .generate(GenerateRequest.newBuilder()
                        .setScope(version(1))
                        .setPrompt(prompt)
                        .setMaxTokens(40)
                        .build())
                .forEachRemaining((GenerateReply reply) -> ids.addAll(reply.getTokenIdsList()));
        return ids;
    }
}
