/** The loop as separate processes on one machine: their folders, a supervisor that starts them again, their job. */
@NullMarked
package dev.flywheel.app.cluster;

import org.jspecify.annotations.NullMarked;
