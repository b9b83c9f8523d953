package dev.flywheel.feedback.evaluation;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.JudgedImpression;
import dev.flywheel.api.v1.JudgedItem;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Prequential evaluation: each label is held against the verdict that the answer was served with, before it is trained on.
 *
 * <p>An example counts once, in the window of its label's own time and under the version that served the answer: in examples,
 * signals and reward, whatever is said later.
 *
 * <p>An item of an answer counts once too, in items, log loss, predicted, observed and AUC, by the label in force: what the user
 * said of it before what follows from silence or from what they said of other items; of what was said the latest by its own
 * time, of what follows the earliest. A label that takes the place of another takes back what that had contributed, in the
 * window where it had; so a late click makes the figures of an earlier window anew. In which order the same labels come does
 * not matter. A retraction takes nothing back: it speaks of what is to be learned, not of what the user did.
 *
 * <p>What is not kept any more, see {@link Memory}, cannot be taken back. So nothing counts that is said of an answer which had
 * to be forgotten, nor a label whose window had to be: no item ever counts twice.
 *
 * <p>A label from which nothing is learned counts like others; the silence of such a signal is not counted.
 *
 * <p>Taken is an item with a label above 0. A label of 0 or below is a not taken; of a decision that a policy is judged by
 * ({@code EXAMPLE_KIND_BANDIT}) only the item that the label is about counts. Items without a verdict, such as continuations,
 * do not count.
 */
public final class Prequential {
    private final long windowMillis;

    /**
     * @param window length of the windows, event time
     */
    public Prequential(Duration window) {
        this.windowMillis = window.toMillis();
    }

    /**
     * What came of an example.
     *
     * @param changed cells with other figures than before
     * @param firstTaken whether it is the first that was said of its items, and they were taken
     * @param missed whether it would have counted, had memory held
     */
    public record Outcome(Collection<CellKey> changed, boolean firstTaken, boolean missed) {
        static final Outcome NOTHING = new Outcome(List.of(), false, false);
    }

    /** Counts an item's example in; one that has been counted changes nothing. */
    public Outcome judge(LoopItem item, Memory memory) throws Exception {
        LabelledExample labelled =
                item.hasEvaluationOnly() ? item.getEvaluationOnly() : item.getExample();
        Example example = labelled.getExample();
        JudgedImpression before = before(item, example, memory);
        long mark = mark(example.getExampleId());
        if (before.getExamplesList().contains(mark)) {
            return Outcome.NOTHING;
        }
        CellKey here = CellKey.of(example.getServedVersion(), example.getLabelledAtMillis(),
                windowMillis);
        boolean teaches = item.hasExample();
        boolean firstTaken = teaches && isFirstTaken(labelled, before);
        if (memory.forgot(here)) {
            return new Outcome(List.of(), firstTaken, true);
        }
        Changes changes = new Changes(memory);
        changes.of(here)
                .example(Labels.signalOf(labelled), Labels.rewardOf(labelled),
                        example.getLabelledAtMillis());
        JudgedImpression.Builder after = before.toBuilder().addExamples(mark);
        for (LabelledOption option : Labels.judgedOf(labelled)) {
            count(Labels.item(labelled, option, here.beginsAtMillis(), teaches),
                    example.getServedVersion(), after, changes);
        }
        Map<CellKey, EvaluationCell> changed =
                before.getUncounted() ? Map.of() : changes.cells();
        memory.keep(example.getImpressionId(), after.build(), changed);
        return new Outcome(changed.keySet(), firstTaken, before.getUncounted());
    }

    private static JudgedImpression before(LoopItem item, Example example, Memory memory)
            throws Exception {
        JudgedImpression known = memory.impression(example.getImpressionId());
        return known != null ? known
                : JudgedImpression.newBuilder()
                        .setServedAtMillis(example.getServedAtMillis())
                        .setClosesAtMillis(item.getAnswerClosesAtMillis())
                        .setUncounted(item.getFollows()
                                && memory.forgotServedAt(example.getServedAtMillis()))
                        .build();
    }

    private static boolean isFirstTaken(LabelledExample labelled, JudgedImpression before) {
        for (LabelledOption option : Labels.judgedOf(labelled)) {
            JudgedItem item = Labels.item(labelled, option, 0, true);
            if (item.getTaught() && item.getTaken() && !isTaught(before, item.getItem())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isTaught(JudgedImpression impression, String item) {
        return impression.getItemsList()
                .stream()
                .anyMatch(each -> each.getItem().equals(item) && each.getTaught());
    }

    private static void count(JudgedItem item, long version, JudgedImpression.Builder impression,
            Changes changes) throws Exception {
        for (int i = 0; i < impression.getItemsCount(); i++) {
            JudgedItem other = impression.getItems(i);
            if (other.getItem().equals(item.getItem())) {
                CellKey there = new CellKey(version, other.getBeginsAtMillis());
                boolean replaces = Labels.inForce(item, other) && changes.canTakeBack(there);
                if (replaces) {
                    changes.of(there).verdict(Verdict.of(other), -1);
                    changes.of(new CellKey(version, item.getBeginsAtMillis()))
                            .verdict(Verdict.of(item), 1);
                }
                impression.setItems(i, (replaces ? item : other).toBuilder()
                        .setTaught(item.getTaught() || other.getTaught()));
                return;
            }
        }
        impression.addItems(item);
        changes.of(new CellKey(version, item.getBeginsAtMillis())).verdict(Verdict.of(item), 1);
    }

    private static long mark(String exampleId) {
        String digest = exampleId.length() == 64 ? exampleId
                : Digest.of(exampleId.getBytes(StandardCharsets.UTF_8)).hex();
        return Long.parseUnsignedLong(digest.substring(0, 16), 16);
    }

    /** Returns a cell as others are to see it. */
    public Evaluation evaluation(String adapter, CellKey key, EvaluationCell cell) {
        return described(new CellFigures(cell), adapter, key);
    }

    /** Returns all versions of a window as one, under the newest of them. */
    public Evaluation together(String adapter, Map<CellKey, EvaluationCell> cells) {
        CellFigures sum = new CellFigures(EvaluationCell.getDefaultInstance());
        CellKey newest = new CellKey(0, 0);
        for (Map.Entry<CellKey, EvaluationCell> each : cells.entrySet()) {
            sum.add(each.getValue());
            newest = each.getKey().version() >= newest.version() ? each.getKey() : newest;
        }
        return described(sum, adapter, newest);
    }

    /** Returns the newest version of a window. */
    public Evaluation newest(String adapter, Map<CellKey, EvaluationCell> cells) {
        return cells.entrySet()
                .stream()
                .max(Comparator.comparingLong(each -> each.getKey().version()))
                .map(each -> evaluation(adapter, each.getKey(), each.getValue()))
                .orElseThrow();
    }

    /** Returns the version of a window with the most items, else with the most examples, else the newest. */
    public Evaluation mostJudged(String adapter, Map<CellKey, EvaluationCell> cells) {
        return cells.entrySet()
                .stream()
                .map(each -> evaluation(adapter, each.getKey(), each.getValue()))
                .max(Comparator.comparingLong(Evaluation::getItems)
                        .thenComparingLong(Evaluation::getExamples)
                        .thenComparingLong(Evaluation::getVersion))
                .orElseThrow();
    }

    private Evaluation described(CellFigures figures, String adapter, CellKey key) {
        return figures.evaluation()
                .setAdapter(adapter)
                .setVersion(key.version())
                .setBeginsAtMillis(key.beginsAtMillis())
                .setLengthMillis(windowMillis)
                .build();
    }

    /** Cells while they change. */
    private static final class Changes {
        private final Memory memory;
        private final Map<CellKey, CellFigures> cells = new LinkedHashMap<>();

        Changes(Memory memory) {
            this.memory = memory;
        }

        CellFigures of(CellKey key) throws Exception {
            CellFigures found = cells.get(key);
            if (found == null) {
                EvaluationCell cell = memory.cell(key);
                found = new CellFigures(
                        cell == null ? EvaluationCell.getDefaultInstance() : cell);
                cells.put(key, found);
            }
            return found;
        }

        boolean canTakeBack(CellKey key) throws Exception {
            return cells.containsKey(key) || !memory.forgot(key);
        }

        Map<CellKey, EvaluationCell> cells() {
            Map<CellKey, EvaluationCell> changed = new LinkedHashMap<>();
            cells.forEach((key, figures) -> changed.put(key, figures.changed()));
            return changed;
        }
    }
}
