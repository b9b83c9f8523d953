/** Random models for tests: no weights are shipped, nothing is downloaded. */
@NullMarked
package dev.flywheel.trainer.base;

import org.jspecify.annotations.NullMarked;
