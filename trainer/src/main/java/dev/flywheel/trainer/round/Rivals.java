package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * What the policy had to choose from when it chose an item: the item, and every candidate that was not
 * in a place before its, shown or not.
 *
 * <p>The model scores the item anew, and as many of the others as the device takes beside the whole
 * prompt, those first that had the highest scores when they were served. What does not fit stands by
 * that score: it has its share of the policy, and nothing is learned of it.
 *
 * @param modelled the example with the options that the model scores, in their order
 * @param action index of the item among these
 * @param served scores of the others when they were served, nats
 */
record Rivals(Example modelled, int action, double[] served) {

    static Rivals of(Example example, int action, ExamplePreparer.Limits limits) {
        BitSet left = left(example, action);
        BitSet fitting = fitting(example, action, left, limits);
        Example.Builder modelled = example.toBuilder().clearOptions();
        fitting.stream().forEach(k -> modelled.addOptions(example.getOptions(k)));
        int before = fitting.get(0, action).cardinality();
        left.andNot(fitting);
        return new Rivals(
                modelled.build(),
                before,
                left.stream().mapToDouble(k -> example.getOptions(k).getServedScore()).toArray());
    }

    private static BitSet left(Example example, int action) {
        int chosenFor = example.getOptions(action).getPlace();
        BitSet left = new BitSet();
        for (int k = 0; k < example.getOptionsCount(); k++) {
            int place = example.getOptions(k).getPlace();
            left.set(k, place < 0 || place >= chosenFor);
        }
        return left;
    }

    private static BitSet fitting(
            Example example, int action, BitSet left, ExamplePreparer.Limits limits) {
        BitSet fitting = new BitSet();
        fitting.set(action);
        int positions = limits.positionsMax() - example.getPromptIdsCount();
        int rows =
                limits.rowsMax() - example.getPromptIdsCount()
                        - example.getOptions(action).getIdsCount();
        for (int k : bestFirst(example, left)) {
            int ids = example.getOptions(k).getIdsCount();
            if (!fitting.get(k) && ids <= rows && ids <= positions) {
                fitting.set(k);
                rows -= ids;
            }
        }
        return fitting;
    }

    /** Equal ones stay in their order. */
    private static List<Integer> bestFirst(Example example, BitSet left) {
        List<LabelledOption> options = example.getOptionsList();
        List<Integer> sorted = new ArrayList<>(left.stream().boxed().toList());
        sorted.sort(Comparator.comparingDouble(k -> -options.get(k).getServedScore()));
        return sorted;
    }
}
