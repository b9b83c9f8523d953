package dev.flywheel.app.demo;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A trusted teacher: asks a question, corrects the wrong answer, and asks again until it is right.
 *
 * <p>Then an unseen paraphrase, and the unrelated questions whose answers must not have changed.
 */
final class Teacher {
    private static final String USER = "teacher";
    private static final String NO_ANSWER = "(failed)";

    /** Fewer unrelated questions would show little. */
    static final int UNRELATED = 50;

    /** Longest answer asked for. */
    static final int TOKENS = 16;

    private static final long PAUSE_NANOS = 50_000_000;

    private final Lesson lesson;
    private final NodeClient node;
    private final LoopLatency latency;
    private final LongSupplier nanos;

    /**
     * What is taught.
     *
     * @param adapter the adapter that answers
     * @param question full prompt up to where the answer begins
     * @param answer the right answer
     * @param paraphrase the same question in other words, never used for teaching
     * @param unrelated prompts of questions about other things
     */
    record Lesson(
            String adapter,
            String question,
            String answer,
            String paraphrase,
            List<String> unrelated) {
        Lesson {
            if (unrelated.size() < UNRELATED) {
                throw new IllegalArgumentException(
                        "a lesson has %d unrelated questions, it needs at least %d"
                                .formatted(unrelated.size(), UNRELATED));
            }
        }
    }

    /** One exchange worth showing. */
    interface Listener {
        void said(String line);
    }

    Teacher(Lesson lesson, NodeClient node, LoopLatency latency, LongSupplier nanos) {
        this.lesson = lesson;
        this.node = node;
        this.latency = latency;
        this.nanos = nanos;
    }

    /** Returns the answers to the unrelated questions as they are now. */
    List<String> unrelatedAnswers() {
        List<String> answers = new ArrayList<>();
        for (String prompt : lesson.unrelated) {
            answers.add(ask(prompt).map(NodeClient.Generated::text).orElse(NO_ANSWER));
        }
        return answers;
    }

    /** Teaches until the answer is right or {@code deadlineNanos} has passed; then examines. */
    DemoReport.CorrectionResult teach(
            List<String> unrelatedBefore, long deadlineNanos, Listener listener) {
        long corrected = 0;
        long correctedVersion = -1;
        int asks = 0;
        boolean right = false;
        while (!right && nanos.getAsLong() < deadlineNanos) {
            Optional<NodeClient.Generated> answer = ask(lesson.question);
            asks++;
            right = answer.map(heard -> heard.text().equals(lesson.answer)).orElse(false);
            long version = answer.map(heard -> heard.version().getNumber()).orElse(-1L);
            if (!right && version > correctedVersion && correct(answer.orElseThrow(), asks)) {
                listener.said(
                        "asked, heard \"%s\"; corrected to \"%s\""
                                .formatted(answer.orElseThrow().text(), lesson.answer));
                corrected = corrected == 0 ? nanos.getAsLong() : corrected;
                correctedVersion = version;
            }
            LockSupport.parkNanos(right ? 0 : PAUSE_NANOS);
        }
        double seconds =
                right && corrected > 0 ? (nanos.getAsLong() - corrected) / 1e9 : Double.NaN;
        listener.said(right ? "right after " + Figure.seconds(seconds) : "still wrong");
        return examine(unrelatedBefore, seconds, asks, right, listener);
    }

    private DemoReport.CorrectionResult examine(
            List<String> before, double seconds, int asks, boolean right, Listener listener) {
        boolean paraphrase =
                right && ask(lesson.paraphrase).map(a -> a.text().equals(lesson.answer))
                        .orElse(false);
        List<String> after = unrelatedAnswers();
        int same = 0;
        for (int i = 0; i < before.size(); i++) {
            boolean heard = !before.get(i).equals(NO_ANSWER);
            same += heard && before.get(i).equals(after.get(i)) ? 1 : 0;
        }
        double unchanged = (double) same / before.size();
        listener.said("paraphrase %s, %d of %d unrelated answers unchanged"
                .formatted(paraphrase ? "right" : "wrong", same, before.size()));
        return new DemoReport.CorrectionResult(seconds, asks, paraphrase, unchanged);
    }

    /** Asks the question once more, so that what was learned last is heard of. */
    void askUncounted() {
        var unused = ask(lesson.question);
    }

    private Optional<NodeClient.Generated> ask(String prompt) {
        Optional<NodeClient.Generated> answer = node.generate(lesson.adapter, USER, prompt, TOKENS);
        answer.ifPresent(a -> latency.answered(a.version().getNumber(), nanos.getAsLong()));
        return answer;
    }

    private boolean correct(NodeClient.Generated answer, int number) {
        String id = "correction-" + number;
        Signal signal =
                Signal.newBuilder()
                        .setCorrection(Correction.newBuilder().setText(lesson.answer))
                        .build();
        boolean sent = node.send(answer.feedbackToken(), id, USER, signal).isPresent();
        if (sent) {
            latency.acknowledged(id, nanos.getAsLong());
        }
        return sent;
    }
}
