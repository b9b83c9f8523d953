package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.LoopItem;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;

/**
 * Runs {@link EvaluationFunction}, and lets it look at any of its adapters, not only at the current item's: its memory is one
 * over all of them.
 */
public final class EvaluationOperator extends KeyedProcessOperator<String, LoopItem, LoopItem> {
    private static final long serialVersionUID = 1L;

    public EvaluationOperator(EvaluationFunction function) {
        super(function);
    }

    @Override
    public void open() throws Exception {
        super.open();
        EvaluationFunction function = (EvaluationFunction) userFunction;
        function.turnBy(this::setCurrentKey);
        List<String> known;
        try (Stream<String> adapters = this.<String>getKeyedStateBackend()
                .getKeys(EvaluationMemory.KNOWN, VoidNamespace.INSTANCE)) {
            known = adapters.toList();
        }
        for (String adapter : known) {
            setCurrentKey(adapter);
            function.restored(adapter);
        }
    }
}
