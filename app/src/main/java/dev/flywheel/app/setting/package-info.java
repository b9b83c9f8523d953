/**
 * What can be set of an adapter, as an operator writes it: paths and values, files of them, and their documentation.
 *
 * <p>The names are those of the contract's messages. Ranges are the store's to check.
 */
@NullMarked
package dev.flywheel.app.setting;

import org.jspecify.annotations.NullMarked;
