package dev.flywheel.app.abuse;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.load.Prompts;
import java.util.ArrayList;
import java.util.List;

/** Scores of prompts, bit by bit. */
final class Scores {
    private static final int WORDS = 40;

    private Scores() {}

    static List<String> prompts(SeededRandom random, int count) {
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(Prompts.numbered(i, WORDS, random));
        }
        return prompts;
    }

    /** Returns the bits of the log probability of a continuation of each. */
    static List<Long> bits(InferenceGrpc.InferenceBlockingStub stub, RequestScope scope,
            List<String> prompts) {
        return prompts.stream()
                .map(prompt -> stub.score(ScoreRequest.newBuilder()
                        .setScope(scope)
                        .setPrompt(prompt)
                        .addContinuations(" and then they said")
                        .build()).getScores(0).getLogProb())
                .map(Double::doubleToRawLongBits)
                .toList();
    }

    /** Returns how many differ, and by how much at most. */
    static String difference(List<Long> one, List<Long> other) {
        double most = 0;
        int differ = 0;
        for (int i = 0; i < one.size(); i++) {
            differ += one.get(i).equals(other.get(i)) ? 0 : 1;
            most = Math.max(most, Math.abs(Double.longBitsToDouble(one.get(i))
                    - Double.longBitsToDouble(other.get(i))));
        }
        return differ + " of " + one.size() + " differ, by at most " + most;
    }
}
