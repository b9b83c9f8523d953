package dev.flywheel.app.load;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.app.load.AnswerBook.Asked;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Asks again, after the load, what versions are and what they say when they are asked alone. */
final class AnswerCheck {
    private final InferenceGrpc.InferenceBlockingStub inference;
    private final StoreClient registry;
    private final AnswerBook book;
    private final LoadSettings settings;
    private long confirmed;
    private long unchecked;

    AnswerCheck(Channel channel, StoreClient registry, AnswerBook book, LoadSettings settings) {
        this.inference = InferenceGrpc.newBlockingStub(channel);
        this.registry = registry;
        this.book = book;
        this.settings = settings;
    }

    void run() {
        book.digests().forEach((adapter, versions) -> {
            if (!adapter.isEmpty()) {
                versions.forEach((number, digest) -> checkDigest(adapter, number, digest));
            }
        });
        int left = settings.checksMax();
        for (Map.Entry<Asked, List<Integer>> answer : book.answers().entrySet()) {
            if (left-- > 0) {
                checkAnswer(answer.getKey(), answer.getValue());
            } else {
                unchecked++;
            }
        }
    }

    private void checkDigest(String adapter, long number, String answered) {
        try {
            String recorded = registry.getVersion(adapter, number).getRef().getDigest();
            if (!recorded.equals(answered)) {
                book.wrong("P1: version %d of %s answered with digest %s, the registry has %s"
                        .formatted(number, adapter, answered, recorded));
            }
        } catch (StatusRuntimeException gone) {
            unchecked++;
        }
    }

    private void checkAnswer(Asked asked, List<Integer> before) {
        try {
            List<Integer> tokens = new ArrayList<>();
            VersionRef version = VersionRef.getDefaultInstance();
            Iterator<GenerateReply> replies = inference
                    .withDeadlineAfter(settings.deadline().toNanos(), TimeUnit.NANOSECONDS)
                    .generate(asked.question().request(asked.version().getNumber()));
            while (replies.hasNext()) {
                GenerateReply reply = replies.next();
                version = reply.getVersion();
                tokens.addAll(reply.getTokenIdsList());
            }
            compare(asked, before, version, tokens);
        } catch (StatusRuntimeException gone) {
            unchecked++;
        }
    }

    /** Number 0 cannot be asked for: if another version serves by now, nothing is known. */
    private void compare(Asked asked, List<Integer> before, VersionRef version,
            List<Integer> tokens) {
        if (!version.equals(asked.version())) {
            unchecked++;
        } else if (tokens.equals(before)) {
            confirmed++;
        } else {
            book.wrong("P1: %s answered '%s' under load with tokens %s and alone with %s"
                    .formatted(AnswerBook.named(version), asked.question().prompt(), before,
                            tokens));
        }
    }

    long confirmed() {
        return confirmed;
    }

    long unchecked() {
        return unchecked;
    }
}
