/** Agreement with the reference implementation's results, shared beside the repository. */
@NullMarked
package dev.flywheel.trainer.oracle;

import org.jspecify.annotations.NullMarked;
