/**
 * Every answer as an impression: its id, its record, its feedback token.
 */
@NullMarked
package dev.flywheel.serving.impression;

import org.jspecify.annotations.NullMarked;
