/** Logged decisions, read from a file or from the event topics, for off-policy evaluation. */
@NullMarked
package dev.flywheel.app.ope;

import org.jspecify.annotations.NullMarked;
