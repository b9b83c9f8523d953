/**
 * The part of the Jinja template language that chat templates are written in, rendered as Jinja2's immutable sandbox renders
 * it.
 *
 * <p>It may not do I/O, read a clock, reach a Java object's members, or run without a bound: values are text, numbers, lists
 * and maps, and every step and every character made is counted. What it does not know it refuses by name; it never guesses.
 */
@NullMarked
package dev.flywheel.engine.jinja;

import org.jspecify.annotations.NullMarked;
