/**
 * Adapters as PEFT folders: read strictly, written so that stock PEFT loads them.
 *
 * <p>It may not guess: a feature that would change the numbers and is not supported is refused by
 * its field's name.
 */
@NullMarked
package dev.flywheel.adapters.peft;

import org.jspecify.annotations.NullMarked;
