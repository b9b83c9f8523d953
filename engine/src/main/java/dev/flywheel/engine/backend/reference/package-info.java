/**
 * The backend that judges the others: plain loops, sums in double, no thought of speed.
 *
 * <p>May use nothing but the JDK and {@code backend}. A kernel here reads like its formula.
 */
@NullMarked
package dev.flywheel.engine.backend.reference;

import org.jspecify.annotations.NullMarked;
