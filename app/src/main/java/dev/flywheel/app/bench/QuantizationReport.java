package dev.flywheel.app.bench;

import dev.flywheel.engine.model.WeightFormat;
import java.util.List;

/**
 * What quantizing a base costs it.
 *
 * @param tokens rows of logits compared
 * @param logLoss mean loss of the weights as stored, nats a token, each token predicted from those
 *     before it; nothing is trained
 * @param learned what the same weights cost where an adapter learns over them
 */
public record QuantizationReport(
        String model,
        long seed,
        int texts,
        long tokens,
        double logLoss,
        Learned learned,
        double bitsPerWeight,
        List<Figures> formats) {
    /**
     * Answers learned one by one, each predicted before it is learned.
     *
     * @param unlearnedLogLoss mean loss of an answer's token if nothing is learned, nats
     * @param prequentialLogLoss the same with what the answers before it taught
     */
    public record Learned(
            int answers,
            int tokens,
            double unlearnedLogLoss,
            double prequentialLogLoss) {}

    /**
     * One format against the weights as stored.
     *
     * @param logitError root mean square of the differences of all logits, relative to that of the
     *     logits themselves
     * @param centredError the same once each row's mean is taken off, which softmax does not see
     * @param logLossChange relative to the report's log loss
     * @param prequentialLogLoss mean loss of an answer's token, nats, an adapter learning over the quantized base from
     *     each answer once it was predicted
     * @param prequentialChange relative to the prequential log loss of the weights as stored
     * @param sameArgMax share of rows whose most probable token is the same
     * @param bitsPerWeight of the linear layers, scales included
     */
    public record Figures(
            String weights,
            double logitError,
            double centredError,
            double logLoss,
            double logLossChange,
            double prequentialLogLoss,
            double prequentialChange,
            double sameArgMax,
            double bitsPerWeight,
            double allowed) {
        public boolean held() {
            return logitError <= allowed;
        }
    }

    public QuantizationReport {
        formats = List.copyOf(formats);
    }

    /** Returns how far logits may be off: what a format promises on the built-in base. */
    static double allowed(WeightFormat format) {
        return switch (format) {
            case STORED -> 0;
            case Q8 -> 0.01;
            case Q4 -> 0.06;
        };
    }
}
