/** Versions trained again. */
@org.jspecify.annotations.NullMarked
package dev.flywheel.trainer.lineage;
