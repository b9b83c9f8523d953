/**
 * Damage to a store's files, and what becomes of it: refused, found, an error of a read, harmless, or, which must never be, a
 * wrong answer.
 */
@NullMarked
package dev.flywheel.app.bench.corruption;

import org.jspecify.annotations.NullMarked;
