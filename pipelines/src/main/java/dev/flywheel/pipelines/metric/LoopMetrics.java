package dev.flywheel.pipelines.metric;

/**
 * Names of the operators and of the figures that they report, for whoever reads them through Flink's REST interface.
 *
 * <p>{@code received} and {@code handedOn} count feedback events since the operator's start; what one stage handed on and the
 * next has not received is on the wire between them.
 */
public final class LoopMetrics {
    public static final String IMPRESSION_INTAKE = "impression-intake";
    public static final String FEEDBACK_INTAKE = "feedback-intake";
    public static final String ATTRIBUTION = "attribution";
    public static final String PAIRS = "pairs";
    public static final String GUARD = "guard";
    public static final String CROWD_GUARD = "crowd-guard";
    public static final String EVALUATION = "evaluation";
    public static final String ROUND_DRIVER = "round-driver";
    public static final String EVALUATIONS = "evaluations";
    public static final String DEAD_LETTERS = "dead-letters";

    /** Distinct feedback events in an operator's state, buffers and calls. */
    public static final String HELD_FEEDBACK = "heldFeedback";

    /** Bytes of the events that attribution holds, and of the preferences that pairs holds. */
    public static final String HELD_BYTES = "heldFeedbackBytes";

    /** Bytes of the answers that pairs remembers. */
    public static final String ANSWER_BYTES = "answerBytes";

    /** Answers that pairs had no room to remember; preferences over them end unmatched. */
    public static final String ANSWERS_PASSED_OVER = "answersPassedOver";

    /** Bytes of all that attribution remembers, of impressions and of what was said of them. */
    public static final String REMEMBERED_BYTES = "rememberedBytes";

    /** Impressions that were not remembered because {@code loop.remembered_bytes_max} was used up. */
    public static final String NOT_REMEMBERED = "impressionsNotRemembered";

    /** Bytes of all that evaluation remembers. */
    public static final String EVALUATION_BYTES = "evaluationBytes";

    /** Examples that did not count in evaluation, since what was known of their answer had been forgotten. */
    public static final String NOT_EVALUATED = "examplesNotEvaluated";

    public static final String RECEIVED = "receivedFeedback";
    public static final String HANDED_ON = "handedOnFeedback";

    /** The operator's clock when the figures were read, milliseconds since 1970: how old a reading is. */
    public static final String AS_OF = "asOfMillis";

    /** Followed by a partition's number: offset of the next record to be taken from it. */
    public static final String POSITION = "position_";

    /** Followed by a refusal's reason. */
    public static final String REFUSED = "refused_";

    /** Events that came again and were ignored. */
    public static final String REPEATED = "repeatedFeedback";

    /** Examples of silence that the guard dropped. */
    public static final String SILENCE_CAPPED = "silenceCapped";

    private LoopMetrics() {}
}
