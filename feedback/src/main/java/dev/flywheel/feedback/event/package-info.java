/**
 * What events must look like before anything else reads them, and their CloudEvents envelope. Pure:
 * no I/O, no clock.
 */
@NullMarked
package dev.flywheel.feedback.event;

import org.jspecify.annotations.NullMarked;
