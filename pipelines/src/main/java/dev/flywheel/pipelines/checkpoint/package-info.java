/** Checkpoints of the job on this machine's disk: a cache of the store's log that is never restored from damaged files. */
@NullMarked
package dev.flywheel.pipelines.checkpoint;

import org.jspecify.annotations.NullMarked;
