/**
 * Training what was trained before, again: from manifests to the versions that they made, compared with
 * the records, or without some examples into a line of its own.
 *
 * <p>It only reads: nothing is written to a store, and no device is used but through rounds. It may not
 * compute anything a round does not; where a round holds for another device or base it refuses by name.
 */
@NullMarked
package dev.flywheel.trainer.lineage;

import org.jspecify.annotations.NullMarked;
