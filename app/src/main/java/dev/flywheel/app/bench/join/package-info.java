/**
 * The attribution job alone, at full speed: is every event counted once, and how many a second. Runs in a JVM of its own, see
 * {@link dev.flywheel.app.bench.join.JoinProcess}.
 */
@NullMarked
package dev.flywheel.app.bench.join;

import org.jspecify.annotations.NullMarked;
