package dev.flywheel.trainer.round;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.training.PackedBatch;
import java.util.ArrayList;
import java.util.List;

/**
 * The anchors of one round: a few draws, packed into batches that fit the device, taken in turn.
 *
 * <p>Steps come back to the same batches, for which the pass still knows what the base says; other
 * rounds draw others.
 */
final class AnchorBatches {
    private static final int DRAWS = 3;

    private final AnchorSet anchors;
    private final SeededRandom random;
    private final int count;
    private final int vocabSize;
    private final int rowsMax;
    private final List<List<PackedBatch>> draws = new ArrayList<>();
    private int next;

    /**
     * @param count anchors of one draw
     */
    AnchorBatches(
            AnchorSet anchors, SeededRandom random, int count, int vocabSize, int rowsMax) {
        this.anchors = anchors;
        this.random = random;
        this.count = count;
        this.vocabSize = vocabSize;
        this.rowsMax = rowsMax;
    }

    /** Returns the batches of the next step. */
    List<PackedBatch> next() {
        if (draws.size() < DRAWS) {
            draws.add(pack(anchors.draw(random, count)));
        }
        List<PackedBatch> batches = draws.get(next % DRAWS);
        next++;
        return batches;
    }

    /** An anchor larger than the device's budget is passed over. */
    private List<PackedBatch> pack(List<Anchor> drawn) {
        List<PackedBatch> batches = new ArrayList<>();
        RowPacker packer = new RowPacker(vocabSize, true);
        for (Anchor anchor : drawn) {
            if (anchor.rows() > rowsMax) {
                continue;
            }
            if (packer.rows() + anchor.rows() > rowsMax) {
                batches.add(packer.pack());
                packer = new RowPacker(vocabSize, true);
            }
            packer.anchor(anchor);
        }
        if (packer.rows() > 0) {
            batches.add(packer.pack());
        }
        return batches;
    }
}
