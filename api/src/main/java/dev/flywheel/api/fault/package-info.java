/** A door for tests that kill processes at named steps; shut unless a process is started with its switch. */
@NullMarked
package dev.flywheel.api.fault;

import org.jspecify.annotations.NullMarked;
