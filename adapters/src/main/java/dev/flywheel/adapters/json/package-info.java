/**
 * How a file that is no valid JSON is told to who wrote it.
 *
 * <p>It may not read files, nor know what stands in them.
 */
@NullMarked
package dev.flywheel.adapters.json;

import org.jspecify.annotations.NullMarked;
