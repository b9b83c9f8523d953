/**
 * Breaks valid files in seeded ways and watches how they are refused.
 *
 * <p>Whatever is loaded here is loaded the way serving loads it. A mutation depends on the seed and
 * its own number alone, so each can be repeated by itself.
 */
@NullMarked
package dev.flywheel.app.fuzz;

import org.jspecify.annotations.NullMarked;
