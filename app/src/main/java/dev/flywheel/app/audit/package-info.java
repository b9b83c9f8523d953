/**
 * Where each feedback event ended, counted from the sources themselves: {@code acknowledged = trained + quarantined + refused +
 * pending}, each term measured on its own.
 */
@NullMarked
package dev.flywheel.app.audit;

import org.jspecify.annotations.NullMarked;
