/**
 * Topics, producers and serdes: the only part of this module that does I/O. Nothing here blocks the
 * thread that serves.
 */
@NullMarked
package dev.flywheel.feedback.kafka;

import org.jspecify.annotations.NullMarked;
