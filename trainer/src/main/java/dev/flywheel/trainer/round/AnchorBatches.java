package dev.flywheel.trainer.round;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.training.PackedBatch;
import java.util.ArrayList;
import java.util.List;

/** Anchors drawn for a step, packed side by side into batches that fit the device. */
final class AnchorBatches {
    private final AnchorSet anchors;
    private final int vocabSize;
    private final int rowsMax;

    AnchorBatches(AnchorSet anchors, int vocabSize, int rowsMax) {
        this.anchors = anchors;
        this.vocabSize = vocabSize;
        this.rowsMax = rowsMax;
    }

    /** Draws the anchors of one step; an anchor larger than the device's budget is passed over. */
    List<PackedBatch> draw(SeededRandom random, int count) {
        List<PackedBatch> batches = new ArrayList<>();
        RowPacker packer = new RowPacker(vocabSize, true);
        for (Anchor anchor : anchors.draw(random, count)) {
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
