/**
 * The safetensors format: strict headers, small files as float arrays, a canonical writer.
 *
 * <p>It may not allocate by a file's own claims: sizes are checked against the file before a byte is
 * read into memory.
 */
@NullMarked
package dev.flywheel.adapters.safetensors;

import org.jspecify.annotations.NullMarked;
